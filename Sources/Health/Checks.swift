package import Catalog
package import NodeModel
package import Planning
import Selection

/// Runs all checks on a node and creates its report.
///
/// The report is a pure function of these properties.
package struct Checks: Sendable {
    package var facts: NodeFacts
    package var plan: Plan
    /// Whether an install is running.
    package var installing: Bool
    /// Whether the daemon makes lost MIG layouts again now.
    package var restoresMIG: Bool
    /// The failure of the last install; nil when it did not fail.
    package var lastFailure: Finding?
    /// The configured MIG strategy of the device plugin.
    package var migStrategy: MIGStrategy
    /// What the operator asks for around a driver of this agent.
    package var surroundings: SurroundingsPolicy
    /// What the daemon last wrote to the API server.
    ///
    /// It is nil in the report that the daemon publishes, because the published verdict does not depend on the
    /// publication.
    package var published: PublishedState?
    /// What each Xid means.
    package var xids: [Int: CatalogXid]
    /// What each SXid means.
    package var sxids: [Int: CatalogSXid]
    /// The MMIO space in GiB that a virtual machine needs for a GPU with this ID.
    package var mmioGiB: [PCIID: Int]
    /// The checks that somebody asked to leave out, each with the reason for people.
    package var leftOut: [ReasonCode: String]

    package init(
        facts: NodeFacts,
        plan: Plan,
        migStrategy: MIGStrategy = .single,
        surroundings: SurroundingsPolicy = SurroundingsPolicy(),
        installing: Bool = false,
        restoresMIG: Bool = false,
        lastFailure: Finding? = nil,
        published: PublishedState? = nil,
        xids: [Int: CatalogXid] = [:],
        sxids: [Int: CatalogSXid] = [:],
        mmioGiB: [PCIID: Int] = [:],
        leftOut: [ReasonCode: String] = [:]
    ) {
        self.facts = facts
        self.plan = plan
        self.migStrategy = migStrategy
        self.surroundings = surroundings
        self.installing = installing
        self.restoresMIG = restoresMIG
        self.lastFailure = lastFailure
        self.published = published
        self.xids = xids
        self.sxids = sxids
        self.mmioGiB = mmioGiB
        self.leftOut = leftOut
    }

    /// Runs the checks, and adds the obstacles to an install.
    ///
    /// - Returns: The verdict and the findings in the order of the registry, without those that only follow from
    ///   others.
    package func report() -> NodeReport {
        let decision = plan.decision
        guard decision.action != .idle else { return leftAlone(decision) }
        let node = node
        let all = CheckRegistry.checks.compactMap { check in
            check.outcome(on: node).map { Finding(check.code, $0) }
        }
        // What is left out explains nothing either: what follows from it is in the report.
        var found = all.filter { leftOut[$0.code] == nil }
        let tested = found + insteadOfCUDA(found, among: all)
        let readiness = Readiness(tested, facts.driver)
        // A node that only waits for its device plugin or its DRA driver works, so nothing else about it is a failure.
        let works = Readiness(tested.filter { $0.code != .gpuNotOffered }, facts.driver)
        let everyObstacle = self.obstacles
        let obstacles = everyObstacle.filter { leftOut[$0.code] == nil }
        if installing || !obstacles.isEmpty {
            // During an install, a second one is useless. With an obstacle, an install fails.
            for index in found.indices where found[index].remedy == .install { found[index].remedy = .none }
        }
        // An obstacle has more detail than the check with the same code.
        let raised = Set(obstacles.map(\.code))
        let findings = (obstacles + found.filter { !raised.contains($0.code) }).weighed(for: works)
        let consequences = Consequences(among: findings)
        let judge = Judge(
            plan: plan,
            readiness: readiness,
            installing: installing,
            lastFailure: lastFailure,
            loadedVersion: facts.driver.loadedVersion.value
        )
        let report = judge.report(findings.filter { !consequences.codes.contains($0.code) }.inOrder.map(\.explained))
        return report.withoutLeftOut(leftOut, among: all + everyObstacle)
    }

    /// What stands for the test of CUDA when it is left out: NVML lists every GPU.
    ///
    /// A test that ran and failed has no substitute.
    private func insteadOfCUDA(_ found: [Finding], among all: [Finding]) -> [Finding] {
        let failed = all.contains { [.cudaFailed, .cudaHang].contains($0.code) && $0.state == .failed }
        guard leftOut[.cudaFailed] != nil, !failed,
            found.contains(where: { $0.code == .gpuCount && $0.state == .pass })
        else { return [] }
        return [Finding(.cudaFailed, .pass, observed: "", expected: "")]
    }

    private var node: CheckedNode {
        CheckedNode(
            facts: facts,
            decision: plan.decision,
            preparesNextBoot: plan.steps.contains { [.buildAhead, .modulesAhead].contains($0.id) },
            aheadProblem: plan.aheadProblem,
            migStrategy: migStrategy,
            restoresMIG: restoresMIG,
            surroundings: surroundings,
            published: published,
            xids: xids,
            sxids: sxids,
            mmioGiB: mmioGiB
        )
    }

    /// The errors of the GPUs, and which of them are over.
    package var gpuFaults: GPUFaults { node.faults }

    /// The report on a node that needs no action of the agent.
    private func leftAlone(_ decision: Decision) -> NodeReport {
        let reason = decision.reason ?? .noGPU
        let isEmpty = reason == .noGPU
        let finding = Finding(
            reason,
            .notApplicable,
            observed: decision.summary,
            expected: isEmpty
                ? "a PCI function of vendor 10de with class 0300 or 0302" : "GPUs whose driver has no other owner"
        )
        let publication = Self.findings(about: published).filter { leftOut[$0.code] == nil }
        let missing = isEmpty ? missingGPUs(decision) : nil
        return NodeReport(
            verdict: isEmpty ? .noGPU : .leftAlone,
            reason: reason,
            nextAction: (publication.decider ?? missing)?.nextAction
                ?? (isEmpty ? "Nothing to do on this node." : nextAction(leftTo: decision)),
            findings: [finding.explained] + [missing].compactMap(\.self) + publication
        )
    }

    /// The finding that the last GPU of a node is gone; nil when the node never had one.
    private func missingGPUs(_ decision: Decision) -> Finding? {
        let outcome = Check.gpuDisappeared.outcome(on: CheckedNode(facts: facts, decision: decision))
        return outcome.flatMap { $0.state == .warning ? Finding(.gpuDisappeared, $0).explained : nil }
    }

    /// The findings about the publication in the cluster; empty when there was none.
    package static func findings(about published: PublishedState?) -> [Finding] {
        guard let published else { return [] }
        let outcomes: [(ReasonCode, Outcome?)] = [
            (.publicationFailed, Check.publicationOutcome(published)),
            (.fieldContested, Check.contestOutcome(published)),
            (.labelsForeign, Check.foreignLabelsOutcome(published)),
        ]
        return outcomes.compactMap { code, outcome in outcome.map { Finding(code, $0).explained } }
    }

    private func nextAction(leftTo decision: Decision) -> String {
        guard let howToHandOver = decision.howToHandOver else {
            return "Nothing to do on this node: no container can use these GPUs."
        }
        return "This agent has nothing to do on this node. \(howToHandOver)"
    }

    /// The obstacles to an install, and the failure of the last one.
    private var obstacles: [Finding] {
        let failure = [lastFailure].compactMap(\.self).filter { !plan.obstacles.contains($0) }
        return (plan.obstacles + failure).map { problem in
            var finding = problem
            finding.state = CheckRegistry.check(problem.code)?.raisedState ?? .failed
            return finding
        }
    }
}

extension Finding {
    fileprivate init(_ code: ReasonCode, _ outcome: Outcome) {
        self.init(
            code,
            outcome.state,
            observed: outcome.observed,
            expected: outcome.expected,
            remedy: outcome.remedy
        )
    }

    /// The same finding with the title of its check.
    ///
    /// Unless the check passed or does not apply, the remedy also gets a link to the documentation.
    var explained: Finding {
        guard let check = CheckRegistry.check(code) else { return self }
        var finding = self
        finding.title = check.title
        if state != .pass, state != .notApplicable, remedy.link == nil { finding.remedy.link = code.documentation }
        return finding
    }
}
