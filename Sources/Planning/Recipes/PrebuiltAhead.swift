package import NodeModel
package import Selection

/// Installs the prebuilt modules of the agent's own driver for the kernel of the next boot, so that the node is ready
/// after it.
///
/// It is `Ahead` for a driver from packages of the distribution.
package struct PrebuiltAhead: Recipe {
    package private(set) var operations: [any Operation] = []
    /// Why the agent could not prepare this kernel, as a sentence; nil when it can or did.
    ///
    /// The agent does not repeat what failed, unless the package manager was busy. After the boot, it asks for the
    /// modules of this kernel as in every install.
    package private(set) var problem: String?

    /// - Parameters:
    ///   - facts: The facts of the node.
    ///   - decision: What the agent does with the driver on the host.
    ///   - journal: The journal of earlier installs; nil when there is none.
    ///   - whyNoRepositories: Why the agent may not ask the repositories of the node, as a clause; nil when it may.
    package init(_ facts: NodeFacts, _ decision: Decision, journal: Journal?, whyNoRepositories: String? = nil) {
        guard decision.action == .adopt, let kernel = facts.kernelForPrebuiltModules?.release,
            let record = facts.driver.record.value, BuildPackages.isName(kernel),
            let system = facts.host.osRelease.value, let known = PrebuiltDistributions.known(on: system),
            let installer = PackageInstallers.used(on: system),
            facts.build.packageTools.value?.contains(installer.program) == true
        else { return }
        if let last = Self.lastAttempt(record.version, kernel: kernel, in: journal) {
            problem = last
            return
        }
        if let whyNoRepositories {
            problem = "It would download packages from the repositories of the node, but \(whyNoRepositories)."
            return
        }
        guard let offered = facts.build.prebuiltAhead, offered.whyUnknown == nil else {
            let why = facts.build.prebuiltAhead?.whyUnknown ?? "it did not ask"
            problem = "It cannot tell which prebuilt modules the repositories of the node have: \(why)."
            return
        }
        let driver = known.drivers(offered.value ?? [], kernel: kernel, on: system).first {
            $0.version.description == record.version && $0.kernelModuleType == record.kernelModuleType
        }
        guard let driver, let modules = driver.packages.first else {
            let name = known.modulePackage(
                branch: nil,
                version: DriverVersion(record.version),
                record.kernelModuleType,
                kernel: kernel
            )
            problem =
                "No repository of the node offers \(name) for this version. '\(known.refreshCommand)' refreshes what "
                + "the node knows of its repositories."
            return
        }
        // The file of a module that the kernel refuses would hide that it has none.
        guard driver.isTrusted || Ahead.acceptsUnsignedModules(facts.host) else {
            problem = "The kernel refuses, or may refuse, the key with which \(modules.name) is signed."
            return
        }
        add(
            InstallModulesAhead(
                installer: installer,
                modules: modules,
                kernel: kernel,
                version: record.version,
                work: facts.build.workDirectory
            ),
            facts
        )
    }

    private mutating func add(_ install: InstallModulesAhead, _ facts: NodeFacts) {
        let space = DiskSpace(
            build: facts.build,
            package: 0,
            work: install.work,
            buildPackages: [install.modules.name],
            rebuildsInitramfs: false
        )
        if let full = space.findings.first {
            problem = "There is no space for \(install.modules.name): \(full.observed)"
        } else {
            operations = [install]
        }
    }

    /// Why another attempt for this kernel would change nothing, as a sentence; nil when there was none, or when the
    /// package manager was busy.
    package static func lastAttempt(_ version: String, kernel: String, in journal: Journal?) -> String? {
        let job = InstallModulesAhead.jobName(version, kernel: kernel)
        if let failed = Ahead.failure(of: .modulesAhead, job, in: journal) {
            return failed.code == .packageManagerBusy ? nil : failed.observed
        }
        // The kernel would load another file than that of the package, or somebody removed the file.
        guard let last = journal?.steps.last(where: { $0.step == .modulesAhead }), last.state == .done, last.job == job
        else { return nil }
        return "The package with the modules is installed, but \(kernel) would not load the module of \(version)."
    }
}
