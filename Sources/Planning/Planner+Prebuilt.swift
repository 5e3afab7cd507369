package import NodeModel
import Selection

extension Planner {
    /// The plan to refresh the package index, on which the choice of the driver depends.
    ///
    /// After a refresh that did not help, a person must look at the repositories.
    func refreshIndex(_ unread: Finding, _ facts: NodeFacts, _ decision: Decision, journal: Journal?) -> Plan {
        guard journal?.finished(.packageIndex) != true, let system = facts.host.osRelease.value,
            let installer = PackageInstallers.used(on: system),
            facts.build.packageTools.value?.contains(installer.program) == true
        else {
            let summary = "the agent does not know which prebuilt modules the repositories of the node have"
            return Plan(decision: decision.blocked(by: unread, summary), steps: [], problems: [])
        }
        return Plan(decision: decision, steps: [RefreshPackageIndex(installer: installer).step], problems: [])
    }

    /// The plan to install a driver from packages of the distribution; nil when the decision is for NVIDIA's package, or
    /// when the host has no program that installs packages.
    func installPackages(_ facts: NodeFacts, _ decision: Decision, journal: Journal?) -> Plan? {
        guard let driver = decision.driver, let packages = driver.packages,
            let system = facts.host.osRelease.value, let installer = PackageInstallers.used(on: system),
            let kernel = facts.host.kernelRelease.value
        else { return nil }
        if let owner = decision.takesOver {
            return Plan(decision: decision, steps: [], problems: [.noTakeover(of: owner, facts)])
        }
        let fabric = fabricManager(of: driver, for: decision, facts)
        let asked = packages + [fabric].compactMap(\.self)
        let record = InstallRecord(
            state: .started,
            kind: driver.kind,
            version: driver.version.description,
            kernelModuleType: driver.kernelModuleType,
            replaces: facts.driver.record.value.flatMap { $0.state == .installed ? $0.version : $0.replaces },
            kernelRelease: kernel,
            bootID: facts.host.bootID.value,
            artifactHash: "",
            packages: asked.map(\.name)
        )
        let released = OtherGPUDriver.releasable(for: decision.gpus, in: facts)
        // The packages bring a unit for nvidia-persistenced.
        var configuration = surroundings
        configuration.persistenced = false
        let recipe = Prebuilt(
            facts: facts,
            driver: driver,
            packages: asked,
            installer: installer,
            record: record,
            released: released,
            journal: journal,
            startsFabricManager: fabric != nil && facts.driver.surroundings?.hasSystemd == true,
            surroundings: Surroundings(driver: facts.driver, configuration: configuration, kind: driver.kind)
        )
        let preflight = Preflight(
            facts: facts,
            artifact: nil,
            kernel: kernel,
            gpus: decision.gpus,
            released: released
        )
        if !recipe.isInstalled, let why = whyNoRepositories {
            return Plan(decision: decision, steps: [], problems: [.noRepositories(driver.version, kernel, why)])
        }
        let problems = recipe.isInstalled ? [] : preflight.problems
        return Plan(decision: decision, steps: recipe.operations.map(\.step), problems: problems)
    }
}

extension Planner {
    /// The preparation of the kernel of the next boot for a driver from packages of the distribution.
    func prebuiltAhead(_ facts: NodeFacts, _ decision: Decision, journal: Journal?) -> PrebuiltAhead {
        PrebuiltAhead(facts, decision, journal: journal, whyNoRepositories: whyNoRepositories)
    }

    /// Why the plan for the kernel of the next boot does not depend on the packages of the repositories, as a clause; nil
    /// when it does.
    package func whyAheadNeedsNoPackages(_ facts: NodeFacts, journal: Journal?) -> String? {
        if let whyNoRepositories { return whyNoRepositories }
        guard let record = facts.driver.record.value, let kernel = facts.host.pendingKernel.value else { return nil }
        return PrebuiltAhead.lastAttempt(record.version, kernel: kernel.release, in: journal)
            .map { _ in "the last attempt for this kernel ended" }
    }

    /// Why the agent may not ask the repositories of the node for packages, as a clause; nil when it may.
    ///
    /// The agent keeps the source of a driver that it installed, also when the configuration now names another one.
    fileprivate var whyNoRepositories: String? {
        switch source {
        case .directory(let path): "with 'driver.source: file://\(path)', it makes no connection"
        case .packages, .auto: nil
        case .runfile, nil: buildPackages ? nil : "with 'driver.buildPackages: false', it installs no packages"
        }
    }

    /// The package of the fabric manager that the node needs beside the packages of the driver.
    ///
    /// Nil when it needs none, and when the repositories have none of the driver's version. The report then says so.
    fileprivate func fabricManager(
        of driver: DriverTarget,
        for decision: Decision,
        _ facts: NodeFacts
    ) -> OfferedPackage? {
        guard decision.fabricManager?.isNeeded == true, let offered = facts.build.prebuiltPackages.value else {
            return nil
        }
        return PrebuiltDistributions.known(on: facts.host.osRelease.value)?.fabricManager(
            of: driver.version,
            in: offered
        )
    }
}

extension Finding {
    /// The driver is from packages, and the configuration forbids the connection to their repositories.
    fileprivate static func noRepositories(_ version: DriverVersion, _ kernel: String, _ why: String) -> Finding {
        Finding(
            .driverSourceChange,
            observed:
                "The driver \(version) is from packages of the distribution. For the kernel \(kernel), the agent would "
                + "download packages from the repositories of the node, but \(why).",
            expected: "a configuration that allows the packages of the distribution, or a driver from another source",
            remedy:
                "Set 'driver.source: packages' in the configuration. To change the source, drain the node, and run "
                + "'gpu-agent uninstall' and then 'gpu-agent install' on it."
        )
    }

    /// The agent only adds packages, and knows only during the transaction whether the package manager accepts them.
    ///
    /// A driver that works must not go before that.
    fileprivate static func noTakeover(of owner: DriverOwner, _ facts: NodeFacts) -> Finding {
        let version = facts.driver.sources.first.map { " \($0.version)" } ?? ""
        return Finding(
            .driverPackagesFailed,
            observed: "The host has the driver\(version) of another owner (\(owner)), and the agent does not replace "
                + "such a driver with packages of the distribution.",
            expected: "a host without a driver of another owner",
            remedy:
                "Drain the node, remove this driver, and run 'gpu-agent install'. Or set 'driver.source: runfile' in the "
                + "configuration, so that the agent takes over with NVIDIA's package."
        )
    }
}
