import Catalog
import NodeModel

/// Why an install must not replace a driver whose fabric works.
extension Fabric {
    /// The finding that the packages of the agent cannot be replaced while they work.
    func ownPackagesProblem(_ wish: Wish) -> Finding {
        Finding(
            wish.code,
            observed:
                "\(wish.name) of this node comes from packages of this agent in the version of the old driver. The "
                + "agent does not remove them while they work: \(facts.packageProgram) cannot have the new ones ready "
                + "beside them.",
            expected: "\(wish.name) of the version \(driver)",
            remedy: "Drain the node and run 'gpu-agent uninstall'. Then run 'gpu-agent install'."
        )
    }

    /// The finding that an install would leave a program of somebody else behind, which then does not start.
    func foreignProblem(_ wish: Wish, _ program: DriverProgram) -> Finding? {
        guard program.isRunning == true, program.version.flatMap(DriverVersion.init) != driver else { return nil }
        let version = program.version.map { " \($0)" } ?? ""
        return Finding(
            wish.code,
            observed:
                "This agent did not install \(wish.name)\(version) that runs on this node, so it does not replace "
                + "it. With the driver \(driver), it would not start.",
            expected: "\(wish.name) of the version \(driver)",
            remedy: "Drain the node and remove \(wish.name). Then run 'gpu-agent install', which installs the version "
                + "\(driver) if it has a source for it."
        )
    }

    /// The finding that an install would take the fabric from a node that works.
    func missingProblem(_ wish: Wish) -> Finding? {
        // A node without the program has nothing to lose.
        guard found.program(wish.program)?.isRunning == true else { return nil }
        let name = FabricPackages.names(of: wish.program, branch: driver.branch).joined(separator: " or ")
        let why = facts.build.fabricPackages.failure.map { " (\($0.detail))" } ?? ""
        return Finding(
            wish.code,
            observed:
                "The node needs \(wish.name) \(driver) beside the driver \(driver), and the agent has no source of "
                + "it\(why).",
            expected: "the package \(name) in the version \(driver) in a repository of the node, or an archive in the "
                + "catalog",
            remedy:
                "Add a repository that has the package, and run the refresh of the package manager. Or add the archive "
                + "to your own catalog (fabricManagerArchive). Then run 'gpu-agent install'."
        )
    }
}

extension NodeFacts {
    /// The package manager of the host, as a noun.
    fileprivate var packageProgram: String {
        host.osRelease.value.flatMap(PackageInstallers.used(on:))?.program ?? "the package manager"
    }
}
