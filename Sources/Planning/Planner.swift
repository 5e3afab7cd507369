import Catalog
package import NodeModel
package import Selection
import Support

/// Creates the plan for a decision: it chooses the recipe and runs the preflight.
///
/// The plan is a pure function of the facts, the decision and the journal.
package struct Planner: Sendable {
    /// Where the agent takes NVIDIA's package from; nil for the URLs of the catalog.
    package var source: PackageSource?
    /// Whether the agent may install the packages that the build of the kernel modules needs.
    package var buildPackages: Bool
    /// What the agent sets up around a driver that it installed.
    package var surroundings: SurroundingsPolicy

    package init(
        source: PackageSource? = nil,
        buildPackages: Bool = true,
        surroundings: SurroundingsPolicy = SurroundingsPolicy()
    ) {
        self.source = source
        self.buildPackages = buildPackages
        self.surroundings = surroundings
    }

    /// Creates the plan for a decision.
    ///
    /// - Parameters:
    ///   - facts: The facts that led to the decision.
    ///   - decision: Which driver the node should have.
    ///   - journal: The journal of earlier installs; nil when there is none.
    /// - Returns: The steps, and the problems that the preflight found. A decision to do nothing has no steps.
    package func plan(_ facts: NodeFacts, _ decision: Decision, journal: Journal?) -> Plan {
        var plan =
            switch decision.action {
            case .idle, .blocked: Plan(decision: decision, steps: [], problems: [])
            case .adopt: adopt(facts, decision, journal: journal)
            case .install: install(facts, decision, journal: journal)
            }
        if !plan.steps.isEmpty, let problem = newerJournal(facts.driver) { plan.problems.append(problem) }
        if let problem = facts.driver.needsReboot, plan.unloads(facts.driver) { plan.problems.append(problem) }
        return plan
    }

    /// The finding that a newer version of the agent wrote the journal; nil when this version can use it.
    ///
    /// The executor refuses such a journal before the first step. The plan says so without a try.
    private func newerJournal(_ driver: DriverFacts) -> Finding? {
        guard let failure = driver.record.failure, failure.reason == .newer else { return nil }
        return Finding(
            .installFailed,
            observed: "The agent cannot use its journal: \(failure.detail).",
            expected: "a journal that this version of the agent or an earlier version wrote",
            remedy: "Use the version of the agent that wrote \(HostLayout.journal), or a newer one."
        )
    }

    /// The device nodes that every CUDA program needs.
    package static let neededNodes = ["nvidiactl", "nvidia-uvm"]

    /// Loads the driver on the host, unless other drivers hold all of its GPUs.
    private func adopt(_ facts: NodeFacts, _ decision: Decision, journal: Journal?) -> Plan {
        let services = journal?.stoppedServices ?? []
        let ahead = Ahead(
            facts,
            decision,
            journal: journal,
            installsPackages: buildPackages,
            directory: source?.directory
        )
        let prebuiltAhead = prebuiltAhead(facts, decision, journal: journal)
        let around = Surroundings(
            driver: facts.driver,
            configuration: surroundings,
            kind: facts.driver.isOfThisAgent ? facts.driver.record.value?.kind : nil
        )
        let released = released(forAdopted: decision, facts)
        let adoption = Adoption(
            driver: facts.driver,
            released: released,
            stoppedServices: services,
            surroundings: around,
            fabric: fabric(besideAdopted: decision, facts, journal)
        )
        let operations = adoption.operations + ahead.operations + prebuiltAhead.operations
        let others = OtherGPUDriver.holding(decision.gpus, in: facts).filter { !released.contains($0.module) }
        let held = others.reduce(0) { $0 + $1.gpus.count }
        let isBlocked = !adoption.operations.isEmpty && held > 0 && held == decision.gpus.count
        // A token that cannot be used is no reason to leave a driver of this host unloaded.
        let problems = (isBlocked ? others.map(\.finding) : []) + releaseProblems(released, facts)
        var plan = Plan(decision: decision, steps: operations.map(\.step), problems: problems)
        plan.leftAlone = around.leftAlone
        plan.aheadProblem = ahead.problem ?? prebuiltAhead.problem
        return plan
    }

    /// The modules of other drivers that the agent unloads before it loads its own driver again.
    ///
    /// A kernel that was installed later can bring nouveau to a node that had none during the install. The agent does not
    /// do this for the driver of another owner, and not while NVIDIA's driver already runs other GPUs.
    private func released(forAdopted decision: Decision, _ facts: NodeFacts) -> [String] {
        guard facts.driver.isOfThisAgent, facts.driver.record.value?.state == .installed,
            facts.driver.loadedVersion.isAbsent, !OtherGPUDriver.holding(decision.gpus, in: facts).isEmpty
        else { return [] }
        return OtherGPUDriver.releasable(for: decision.gpus, in: facts)
    }

    /// Why the agent cannot put these modules on a blacklist.
    private func releaseProblems(_ released: [String], _ facts: NodeFacts) -> [Finding] {
        guard !released.isEmpty else { return [] }
        let kernel = facts.host.kernelRelease.value ?? ""
        return Preflight(facts: facts, artifact: nil, kernel: kernel, released: released).blacklistProblems
    }

    private func install(_ facts: NodeFacts, _ decision: Decision, journal: Journal?) -> Plan {
        if let unread = decision.unreadIndex { return refreshIndex(unread, facts, decision, journal: journal) }
        if let plan = installPackages(facts, decision, journal: journal) { return plan }
        guard let driver = decision.driver, let artifact = driver.artifact, let digest = artifact.digest,
            let kernel = facts.host.kernelRelease.value
        else {
            let problem = Finding(
                .hostUnreadable,
                observed: "The release of the running kernel is not known"
                    + (facts.host.kernelRelease.whyUnknown.map { ": \($0)." } ?? "."),
                expected: "a kernel release in /proc/sys/kernel/osrelease",
                remedy: .missing(facts.host.kernelRelease, in: "/proc/sys/kernel/osrelease")
            )
            return Plan(decision: decision, steps: [], problems: [problem])
        }
        let isWayBack = decision.failed != nil
        var record = InstallRecord(
            // The failed install has changed the driver already.
            state: isWayBack ? .changing : .started,
            kind: driver.kind,
            version: driver.version.description,
            kernelModuleType: driver.kernelModuleType,
            replaces: decision.failed?.record.version
                ?? facts.driver.record.value.flatMap { $0.state == .installed ? $0.version : $0.replaces },
            takesOver: decision.takesOver,
            kernelRelease: kernel,
            bootID: facts.host.bootID.value,
            artifactHash: digest.hex
        )
        if !isWayBack { record.former = formerDriver(facts.driver, replacedBy: record) }
        let released = OtherGPUDriver.releasable(for: decision.gpus, in: facts)
        var packages = BuildPackages(facts, kernel: kernel)
        if !buildPackages { packages?.installNothing() }
        // A node that takes the driver from a directory has no network for the package manager either.
        if let directory = source?.directory { packages?.take(from: directory, facts.build.bundle.value) }
        let around = Surroundings(driver: facts.driver, configuration: surroundings, kind: driver.kind)
        let isResumed = journal?.record.map { $0.state != .installed && $0.isSameInstall(as: record) } ?? false
        let fabric = Fabric(
            facts,
            decision,
            driver: driver.version,
            journal: journal,
            source: source,
            installsPackages: buildPackages,
            // An install that changed nothing yet has the driver and the fabric of before.
            replaces: facts.driver.isLoaded && !(isResumed && journal?.record?.state == .changing) && !isWayBack,
            leavesArchive: true
        )
        let recipe = Runfile(
            facts: facts,
            driver: driver,
            artifact: artifact,
            digest: digest,
            record: record,
            released: released,
            journal: journal,
            source: source,
            packages: packages,
            failed: decision.failed,
            surroundings: around,
            fabric: fabric
        )
        let preflight =
            Preflight(
                facts: facts,
                artifact: artifact,
                driver: driver,
                kernel: kernel,
                gpus: decision.gpus,
                released: released,
                buildPackages: packages?.names ?? [],
                directory: buildPackages ? source?.directory : nil
            )
        // The way back only needs the space that the failed install used, which its first step frees.
        let settled = (packages?.settled ?? []) + (isWayBack ? [.diskSpace] : [])
        // A driver that is already on the host gets loaded, whatever the license is.
        let problems =
            recipe.isInstalled || recipe.isKept
            ? []
            : preflight.problems.filter { !settled.contains($0.code) }
                + (isWayBack ? [] : [around.tokenProblem].compactMap(\.self)) + [fabric?.problem].compactMap(\.self)
        var plan = Plan(decision: decision, steps: recipe.operations.map(\.step), problems: problems)
        plan.leftAlone = around.leftAlone
        return plan
    }

    /// What sets up NVLink beside the agent's own driver from NVIDIA's installer.
    ///
    /// When CUDA works, something else has set up the fabric, and only IMEX can be missing.
    private func fabric(besideAdopted decision: Decision, _ facts: NodeFacts, _ journal: Journal?) -> Fabric? {
        guard facts.driver.isOfThisAgent, let record = facts.driver.record.value, record.state == .installed,
            record.packages == nil, let version = DriverVersion(record.version),
            decision.fabricManager?.isNeeded != true || !facts.cudaWorks
        else { return nil }
        return Fabric(
            facts,
            decision,
            driver: version,
            journal: journal,
            source: source,
            installsPackages: buildPackages,
            leavesArchive: record.keptFabricManager != nil
        )
    }

    /// The driver of this agent that an install replaces, and to which the agent can go back; nil when there is none.
    private func formerDriver(_ driver: DriverFacts, replacedBy new: InstallRecord) -> FormerDriver? {
        guard let record = driver.record.value, new.takesOver == nil, record.packages == nil else { return nil }
        let isDriverOfRecord = record.state == .installed || driver.failed?.isFormerDriver(of: record) == true
        let former = isDriverOfRecord ? FormerDriver(record) : record.former
        return former?.isDriver(of: new) == true ? nil : former
    }
}

extension Plan {
    /// Whether the plan takes a driver out of the kernel.
    ///
    /// Its step `unload` can be there for the services of a driver alone.
    fileprivate func unloads(_ driver: DriverFacts) -> Bool {
        steps.contains { $0.id == .release || ($0.id == .unload && driver.isLoaded) }
    }
}
