import NodeModel
import Selection

/// The packages for the build of the kernel modules that a file on the host lists, apart from what the journal says.
///
/// The journal can be lost, or a newer install can have begun without the step that installs packages.
struct RecordedPackages {
    /// The names of the packages.
    var names: [String]
    /// The step that removes them.
    var removal: PlannedStep

    /// Nil when the file lists no package, or when the agent does not know the package manager of the host.
    ///
    /// - Parameters:
    ///   - facts: The facts of the host.
    ///   - version: The version of the driver, for the name of the job; nil when there is none.
    init?(_ facts: NodeFacts, version: String?) {
        guard let names = facts.build.buildPackages.value, !names.isEmpty,
            let system = facts.host.osRelease.value, let installer = PackageInstallers.used(on: system),
            facts.build.packageTools.value?.contains(installer.program) == true
        else { return nil }
        self.names = names
        removal =
            RemoveBuildPackages(
                installer: installer,
                version: version ?? "host",
                work: facts.build.workDirectory
            ).stepOfUndo
    }
}

extension Uninstall {
    /// Says that packages for the build can stay, before their removal.
    mutating func addPackages(_ names: [String]?) {
        guard steps.contains(where: { $0.id == .removeBuildPackages }) else { return }
        let list = names.map { ": \($0.joined(separator: ", "))" } ?? ""
        left.insert(
            Left(step: .buildPackages, what: "those packages for the build that other packages need by then\(list)"),
            at: 0
        )
    }

    /// Replaces the item about packages for the build by what their removal left.
    ///
    /// - Parameter log: The output of the job that removes them.
    package mutating func settlePackages(_ log: String) {
        left.removeAll { $0.step == .buildPackages && $0.path == nil }
        let lines = log.split(whereSeparator: \.isNewline)
        guard let line = lines.last(where: { $0.hasPrefix(PackageScript.stay) }) else { return }
        let names = line.dropFirst(PackageScript.stay.count)
        left.insert(
            Left(step: .buildPackages, what: "packages for the build, because other packages need them:\(names)"),
            at: 0
        )
    }
}
