import Health
package import NodeModel
package import Planning
package import Reporting
import Selection

/// One look at a node with all that follows from it.
package struct NodeView: Sendable {
    package var facts: NodeFacts
    package var journal: Journal?
    package var plan: Plan
    package var report: NodeReport
    package var policy: Policy

    /// Decides, plans and judges; pure.
    package init(_ setup: Setup, facts: NodeFacts, journal: Journal?, installing: Bool = false) {
        self.facts = facts
        self.journal = journal
        policy = setup.policy
        let decision = Selection(catalog: setup.catalog, policy: setup.policy).decide(facts)
        plan = Planner().plan(facts, decision, journal: journal)
        report =
            Checks(
                facts: facts,
                plan: plan,
                migStrategy: setup.policy.migStrategy,
                installing: installing,
                // A failure of steps that are no longer needed is history.
                lastFailure: installing || plan.steps.isEmpty ? nil : journal?.failure
            ).report()
    }

    /// What the Node should show.
    package var publication: Publication { Publication.of(facts, plan, report, policy) }
}

/// Looks at the node and judges it, as often as it is asked.
package struct Inspector: Sendable {
    package var prober: Prober
    package var setup: Setup
    /// Knows the labels of the Node that name the owner of its driver.
    package var owners: any OwnerLabelSource

    /// Looks without asking a cluster: the labels are those that the daemon on this node last saw.
    package init(prober: Prober, setup: Setup) {
        self.prober = prober
        self.setup = setup
        owners = prober.published
    }

    /// Looks now, and sees whether somebody is installing.
    package func currentView() async -> NodeView {
        let view = await look()
        guard await prober.isChanging(view.journal) else { return view }
        return NodeView(setup, facts: view.facts, journal: view.journal, installing: true)
    }

    /// Looks now.
    ///
    /// A journal that cannot be read counts as none, and the plan's first step then writes a new one.
    package func look() async -> NodeView {
        let labels = await owners.ownerLabels()
        var (facts, journal) = await prober.look()
        facts.claims = facts.claims.with(labels)
        return NodeView(setup, facts: facts, journal: journal.value)
    }
}
