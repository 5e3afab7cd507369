import Catalog
package import NodeModel
package import Selection

/// Brings the fabric manager or IMEX to a host with a driver from NVIDIA's installer, in exactly the driver's version.
///
/// NVIDIA's installer brings neither. A program that somebody else installed stays as it is.
package struct Fabric: Sendable {
    /// The steps before anything stops: they bring packages to the host.
    package private(set) var preparing: [any Operation] = []
    /// The steps that need the driver in memory.
    package private(set) var installing: [any Operation] = []
    /// Why an install must not replace the driver that runs; nil when it may.
    package private(set) var problem: Finding?

    /// NVIDIA's archive from which this plan or an earlier one installs the fabric manager; nil when it comes from elsewhere.
    private(set) var archive: Artifact?

    /// What a machine with this topology needs.
    private enum Wish {
        case fabricManager(hasSubnetManager: Bool)
        case imex

        var program: DriverService.Program {
            switch self {
            case .fabricManager: .fabricManager
            case .imex: .imex
            }
        }

        var name: String {
            switch self {
            case .fabricManager: "the fabric manager"
            case .imex: "IMEX"
            }
        }

        /// The code of the finding that the node lacks the program of the driver's version.
        var code: ReasonCode {
            switch self {
            case .fabricManager: .fabricManagerMissing
            case .imex: .imexMissing
            }
        }
    }

    private let facts: NodeFacts
    private let driver: DriverVersion
    private let found: DriverSurroundings
    private let journal: Journal?

    /// Decides from the topology and from what the host has.
    ///
    /// - Parameters:
    ///   - facts: The facts of the node.
    ///   - decision: The decision, with the need of the topology and the archive of the catalog.
    ///   - driver: The version of the driver that the host has or gets.
    ///   - journal: The journal on the host; nil when there is none.
    ///   - source: Where the agent takes NVIDIA's package from; nil for the URLs of the catalog.
    ///   - installsPackages: Whether the agent may install packages of a package manager.
    ///   - replaces: Whether the plan replaces a driver that runs.
    ///   - leavesArchive: Whether a later step decides whether the archive of the fabric manager stays on the host.
    package init?(
        _ facts: NodeFacts,
        _ decision: Decision,
        driver: DriverVersion,
        journal: Journal?,
        source: PackageSource?,
        installsPackages: Bool,
        replaces: Bool = false,
        leavesArchive: Bool = false
    ) {
        guard let wish = Self.wish(facts, decision), let found = facts.driver.surroundings, found.hasSystemd == true,
            let program = found.program(wish.program), found.fabric != nil
        else { return nil }
        (self.facts, self.driver, self.found, self.journal) = (facts, driver, found, journal)
        if program.path != nil, !isOwn {
            // Somebody else keeps it in step with the driver.
            if replaces { problem = foreignProblem(wish, program) }
            return
        }
        // It runs in a container.
        if program.path == nil, program.isRunning == true { return }
        if isThere(program) {
            if found.fabric?.archive != nil { archive = decision.fabricManagerArchive }
            if program.isRunning != true { installing = start(wish) }
            return
        }
        guard let steps = install(wish, decision, source: source, installsPackages: installsPackages, leavesArchive)
        else {
            if replaces { problem = missingProblem(wish) }
            return
        }
        // An archive is on the host before something stops. The package manager cannot have new packages ready beside
        // the old ones, and if it fails after their removal, the node has neither.
        if replaces, !packages.isEmpty, program.isRunning == true, steps.preparing.isEmpty {
            problem = ownPackagesProblem(wish)
            return
        }
        (preparing, installing) = (steps.preparing, steps.installing + start(wish))
        if preparing.contains(where: { $0 is DownloadFabricManager }) { archive = decision.fabricManagerArchive }
    }

    /// What the node needs; nil when it needs nothing.
    ///
    /// GPUs with a cluster and without a fabric manager on their node are connected by switches outside of it.
    private static func wish(_ facts: NodeFacts, _ decision: Decision) -> Wish? {
        guard let need = decision.fabricManager else { return nil }
        if need.isNeeded { return .fabricManager(hasSubnetManager: need.subnetManager == true) }
        return facts.fabricCluster == nil ? nil : .imex
    }

    private var packages: [String] { facts.build.ownFabricPackages.value ?? [] }

    /// Whether the agent installed the program that is on the host.
    private var isOwn: Bool { found.fabric?.archive != nil || !packages.isEmpty }

    /// Whether the agent's program of the driver's version is on the host, as far as the agent can tell.
    private func isThere(_ program: DriverProgram) -> Bool {
        guard program.path != nil, found.fabric?.archive != FabricSurroundings.incomplete else { return false }
        if let version = program.version { return DriverVersion(version) == driver }
        if let archive = found.fabric?.archive { return DriverVersion(archive) == driver }
        // Without a loaded driver, the program does not say its version. The job of the journal does.
        return journal?.steps.contains { step in
            step.step == .fabricPackages && step.state == .done
                && step.job == InstallFabricPackages.jobName(driver.description)
        } ?? false
    }

    private func start(_ wish: Wish) -> [any Operation] {
        // An operator masks a unit when something else starts the program, such as a container or NVIDIA's DRA driver.
        if found.program(wish.program)?.isMasked == true { return [] }
        switch wish {
        case .fabricManager(let hasSubnetManager):
            let isLoadedAtBoot = found.isForeign(OwnFile.managementInterface)
            return [StartFabricManager(hasSubnetManager: hasSubnetManager, isLoadedAtBoot: isLoadedAtBoot)]
        case .imex: return (found.fabric?.imexNodes ?? 0) > 0 ? [StartIMEX()] : []
        }
    }

    /// The steps that install the program, and what they need; nil when the agent knows no source of it.
    private func install(
        _ wish: Wish,
        _ decision: Decision,
        source: PackageSource?,
        installsPackages: Bool,
        _ leavesArchive: Bool
    ) -> (preparing: [any Operation], installing: [any Operation])? {
        let kept = decision.failed?.record.former?.keptFabricManager
        let isKept = kept != nil && kept?.digest == decision.fabricManagerArchive?.digest
        // The way back needs no network with the archive that the agent kept.
        if !isKept, installsPackages, let step = packagesStep(wish, source) {
            var install = step
            // The package manager refuses to look at packages that the agent still has in another version.
            install.isDownloaded = packages.isEmpty && step.source == nil
            return (install.isDownloaded ? [DownloadFabricPackages(for: step)] : [], removal + [install])
        }
        guard case .fabricManager = wish, let archive = decision.fabricManagerArchive, let digest = archive.digest
        else {
            return nil
        }
        let download = DownloadFabricManager(
            version: driver.description,
            archive: archive,
            digest: digest,
            source: source?.directory,
            isKept: isKept
        )
        let install = InstallFabricManager(
            version: driver.description,
            fileName: archive.fileName,
            work: facts.build.workDirectory,
            leavesArchive: leavesArchive
        )
        let former: [any Operation] = packages.isEmpty ? [] : removal
        return ([download], former + [install])
    }

    /// The step that installs packages in exactly the driver's version; nil when none are offered.
    private func packagesStep(_ wish: Wish, _ source: PackageSource?) -> InstallFabricPackages? {
        guard let system = facts.host.osRelease.value, let installer = PackageInstallers.used(on: system),
            facts.build.packageTools.value?.contains(installer.program) == true
        else { return nil }
        // A node that takes the driver from a directory has no network for the package manager either.
        let bundle = source?.directory == nil ? nil : facts.build.bundle.value
        if source?.directory != nil, bundle == nil { return nil }
        let offered = bundle?.offered ?? facts.build.fabricPackages.value ?? []
        guard let main = FabricPackages.package(with: wish.program, of: driver, in: offered) else { return nil }
        var wanted = [main]
        if case .fabricManager(hasSubnetManager: true) = wish {
            let isThere = found.fabric?.hasSubnetManager == true && found.fabric?.hasDiagnostics == true
            wanted += isThere && packages.isEmpty ? [] : FabricPackages.forSubnetManager(in: offered)
        }
        return InstallFabricPackages(
            packages: wanted,
            installer: installer,
            version: driver.description,
            source: source?.directory.flatMap { directory in
                bundle.map { BuildPackages.Source($0, in: directory) }
            },
            work: facts.build.workDirectory
        )
    }

    /// The steps that remove what the agent installed for another driver.
    private var removal: [any Operation] {
        let installer = facts.host.osRelease.value.flatMap(PackageInstallers.used(on:))
        let byPackages: [any Operation] =
            packages.isEmpty
            ? []
            : installer.map {
                [
                    RemoveFabricPackages(
                        version: driver.description,
                        installer: $0,
                        work: facts.build.workDirectory
                    )
                ]
            } ?? []
        return byPackages
            + (found.fabric?.archive == nil ? [] : [RemoveFabricManager(version: driver.description)])
    }
}

extension Fabric {
    /// The finding that the packages of the agent cannot be replaced while they work.
    private func ownPackagesProblem(_ wish: Wish) -> Finding {
        Finding(
            wish.code,
            observed:
                "\(wish.name) of this node comes from packages of this agent in the version of the old driver. The "
                + "agent does not remove them while they work, because it could not bring them back.",
            expected: "\(wish.name) of the version \(driver)",
            remedy: "Drain the node and run 'gpu-agent uninstall'. Then run 'gpu-agent install'."
        )
    }

    /// The finding that an install would leave a program of somebody else behind, which then does not start.
    private func foreignProblem(_ wish: Wish, _ program: DriverProgram) -> Finding? {
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
    private func missingProblem(_ wish: Wish) -> Finding? {
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
