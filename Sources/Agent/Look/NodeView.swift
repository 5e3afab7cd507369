import Catalog
package import Health
package import NodeModel
package import Planning
package import Reporting
import Selection

/// The result of one inspection: the facts of the node, the plan and the report.
package struct NodeView: Sendable {
    package var facts: NodeFacts
    package var journal: Journal?
    package var plan: Plan
    package var report: NodeReport
    /// The errors of the GPUs, and which of them are over.
    package var gpuFaults: GPUFaults
    package var policy: Policy
    /// What to publish about the MIG layout that a label of the Node names.
    var migState: MIGStateWish
    /// Why the last install ended, when the journal does not have it.
    private let failure: Finding?
    private let checks: Checks

    /// Selects the driver, builds the plan and runs the checks, as a pure function of the parameters.
    ///
    /// `failure` is why the last install ended, when the journal does not have it.
    package init(
        _ setup: Setup,
        facts: NodeFacts,
        journal: Journal?,
        installing: Bool = false,
        restoresMIG: Bool = false,
        published: PublishedState? = nil,
        failure: Finding? = nil
    ) {
        self.facts = facts
        self.journal = journal
        self.failure = failure
        policy = setup.policy
        migState = setup.policy.migConfigFile == nil ? .none : .keep
        let decision = setup.decide(facts)
        plan = setup.policy.planner.plan(facts, decision, journal: journal)
        checks = Checks(
            facts: facts,
            plan: plan,
            migStrategy: setup.policy.migStrategy,
            surroundings: setup.policy.surroundings,
            installing: installing,
            restoresMIG: restoresMIG,
            // The failure of a step does not count when the plan needs no steps any more.
            lastFailure: installing || plan.steps.isEmpty ? nil : failure ?? journal?.failure,
            published: published,
            xids: setup.catalog.xids,
            sxids: setup.catalog.sxids,
            mmioGiB: setup.catalog.mmioGiB
        )
        report = checks.report()
        gpuFaults = checks.gpuFaults
    }

    /// The report without some checks, each with the reason for people.
    package func report(leavingOut codes: [ReasonCode: String]) -> NodeReport {
        guard !codes.isEmpty else { return report }
        var checks = checks
        checks.leftOut = codes
        return checks.report()
    }

    /// The same view with this wish for the MIG layout of a label.
    func with(_ wish: MIGLabelWish?, _ setup: Setup) -> NodeView {
        guard wish != facts.labelMIG else { return self }
        var facts = facts
        facts.labelMIG = wish
        return evaluated(facts, setup)
    }

    /// The same view of a node that waits until something offers its GPUs to pods.
    func with(_ wait: OfferWait, _ setup: Setup) -> NodeView {
        guard wait != facts.offerWait else { return self }
        var facts = facts
        facts.offerWait = wait
        return evaluated(facts, setup)
    }

    private func evaluated(_ facts: NodeFacts, _ setup: Setup) -> NodeView {
        var view = NodeView(setup, facts: facts, journal: journal, failure: failure)
        view.migState = migState
        return view
    }

    /// Whether NVML, or CUDA on a device, did not answer in the time that a person waits (`Prober.isBrief`).
    package var driverWasSlow: Bool { facts.vendor.value?.wasSlow == true }

    /// What the agent wants to publish: the labels, the taint, and the verdict for the event.
    package var publication: Publication {
        var publication = Publication.of(facts, plan, report, policy)
        switch migState {
        case .none: break
        case .keep: publication.undetermined.insert(MIGRequest.stateKey)
        case .set(let state): publication.labels[MIGRequest.stateKey] = state.rawValue
        }
        return publication
    }
}

/// What the agent wants for the label with the state of the MIG layout.
enum MIGStateWish: Sendable, Equatable {
    case none
    /// The label stays as it is, because what it should say is not known yet.
    case keep
    case set(MIGConfigState)
}

/// Reads the facts of the node, and evaluates them with the catalog and the configuration.
package struct Inspector: Sendable {
    package var prober: Prober
    package var setup: Setup
    /// The source of the Node's labels that name the owner of the driver.
    package var owners: any OwnerLabelSource
    /// Whether an operator asked for an install, which takes back an earlier uninstall.
    var takesUninstallBack = false
    /// Whether an operator asked for an install, which tries a driver again that failed on this node.
    var retriesFailed = false

    /// Creates an inspector that does not use the API server.
    ///
    /// It takes the owner labels from the published state that the daemon saved on the host.
    package init(prober: Prober, setup: Setup) {
        self.prober = prober
        self.setup = setup
        if setup.policy.checksVulkan { self.prober.testsVulkan = { true } }
        let policy = setup.policy
        self.prober.ignores = { policy.override(for: $0)?.treatment == .ignored }
        owners = prober.published
    }

    /// Inspects the node for a person, and checks whether an install is running and whether the API server has the
    /// state of the node.
    package func currentView() async -> NodeView { await currentView(await NodeReading(prober, owners)) }

    /// Evaluates facts of a node that the agent read before, for a person.
    package func currentView(_ reading: NodeReading) async -> NodeView {
        var reading = await complete(reading)
        // Only the daemon follows the label, and knows what the Node offers.
        let waiting = await prober.waitingFacts()
        if reading.facts.labelMIG == nil { reading.facts.labelMIG = waiting?.labelMIG }
        if reading.facts.offerWait == nil { reading.facts.offerWait = waiting?.offerWait }
        return await currentView(await withConfiguredFiles(reading.facts), reading.journal)
    }

    func currentView(_ facts: NodeFacts, _ journal: Journal?) async -> NodeView {
        // In the mode `observe`, the agent publishes nothing. A file of an earlier mode says nothing about it.
        let published = setup.mode == .observe ? nil : await prober.published.load()
        // The finding about the uninstall says more than the verdict about an install.
        let isUninstalling = journal?.uninstall?.state == .started
        let overdue = await prober.overdueJob()
        return NodeView(
            setup,
            facts: facts,
            journal: journal,
            installing: isUninstalling || overdue != nil ? false : await prober.isChanging(),
            published: published,
            failure: overdue
        )
    }

    /// Adds what the repositories of the host offer, which the agent asks only when the configuration needs the answer.
    private func complete(_ reading: NodeReading) async -> NodeReading {
        var reading = reading
        reading.facts.build.prebuiltPackages = await prober.prebuiltPackages(reading.facts, setup.policy)
        let whyNotAsked = setup.policy.planner.whyAheadNeedsNoPackages(reading.facts, journal: reading.journal)
        reading.facts.build.prebuiltAhead = await prober.prebuiltAhead(reading.facts, whyNotAsked: whyNotAsked)
        let decision = setup.decide(reading.facts)
        reading.facts.build.fabricPackages = await prober.fabricPackages(reading.facts, decision, setup.policy)
        return reading
    }

    /// Inspects the node for the daemon or an install, which know themselves whether an install is running.
    package func look() async -> NodeView {
        var reading = await NodeReading(prober, owners)
        if takesUninstallBack { reading.facts.driver.uninstall = nil }
        if retriesFailed { reading.facts.driver.needsReboot = nil }
        // A way back that was interrupted comes first.
        if retriesFailed, reading.journal?.isGoingBack != true { reading.facts.driver.failed?.isRetried = true }
        // What the repositories must be asked depends on the decision, and so on what comes before this line.
        reading = await complete(reading)
        return NodeView(
            setup,
            facts: await withConfiguredFiles(reading.facts),
            journal: reading.journal,
            failure: await prober.overdueJob()
        )
    }

    /// The facts with the files that only the configuration names: the signing key, the license token and a directory.
    private func withConfiguredFiles(_ facts: NodeFacts) async -> NodeFacts {
        var facts = facts
        facts.build.bundle = await prober.bundle(for: facts.host.kernelRelease.value, on: facts.host, setup.policy)
        if let kernel = facts.host.pendingKernel.value?.release {
            facts.build.bundleAhead = await prober.bundle(for: kernel, on: facts.host, setup.policy)
        }
        facts.host.signingKey = await prober.signingKey(setup.policy.signing)
        facts.driver.surroundings?.licenseToken = await LicenseTokenFile.read(
            setup.policy.surroundings.license?.tokenFile
        )
        return facts
    }
}

extension Setup {
    /// Decides which driver the node should have, or that nothing changes while its pool is not known.
    fileprivate func decide(_ facts: NodeFacts) -> Decision {
        let decision = Selection(catalog: catalog, policy: policy).decide(facts)
        return pool.problem.map(decision.withoutSettings) ?? decision
    }
}

extension Policy {
    fileprivate var planner: Planner {
        Planner(source: source, buildPackages: buildPackages, surroundings: surroundings)
    }
}

/// The facts of the node and the journal, as they were read together.
package struct NodeReading: Sendable {
    var facts: NodeFacts
    /// Nil when there is none.
    ///
    /// When the journal cannot be read, the agent acts as if there were none. The first step of the plan writes a new
    /// one.
    var journal: Journal?

    /// Reads the node, with the owner labels that `owners` gives.
    package init(_ prober: Prober, _ owners: any OwnerLabelSource) async {
        let labels = await owners.ownerLabels()
        let (facts, journal) = await prober.look()
        self.facts = facts
        self.facts.claims = facts.claims.with(labels)
        self.facts.devicePlugin = facts.devicePlugin?.with(labels.devices)
        self.journal = journal.value
    }
}
