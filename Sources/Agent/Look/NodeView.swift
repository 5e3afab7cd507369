import Health
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
    package var policy: Policy

    /// Selects the driver, builds the plan and runs the checks, as a pure function of the parameters.
    package init(
        _ setup: Setup,
        facts: NodeFacts,
        journal: Journal?,
        installing: Bool = false,
        published: PublishedState? = nil
    ) {
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
                // The failure of a step does not count when the plan needs no steps any more.
                lastFailure: installing || plan.steps.isEmpty ? nil : journal?.failure,
                published: published
            ).report()
    }

    /// What the agent wants to publish: the labels, the taint, and the verdict for the event.
    package var publication: Publication { Publication.of(facts, plan, report, policy) }
}

/// Inspects the node.
package struct Inspector: Sendable {
    package var prober: Prober
    package var setup: Setup
    /// The source of the Node's labels that name the owner of the driver.
    package var owners: any OwnerLabelSource

    /// Creates an inspector that does not use the API server.
    ///
    /// It takes the owner labels from the published state that the daemon saved on the host.
    package init(prober: Prober, setup: Setup) {
        self.prober = prober
        self.setup = setup
        owners = prober.published
    }

    /// Inspects the node for a person, and checks whether an install is running and whether the API server has the
    /// state of the node.
    package func currentView() async -> NodeView {
        let view = await look()
        // In the mode `observe`, the agent publishes nothing. A file of an earlier mode says nothing about it.
        let published = setup.mode == .observe ? nil : await prober.published.load()
        return NodeView(
            setup,
            facts: view.facts,
            journal: view.journal,
            installing: await prober.isChanging(view.journal),
            published: published
        )
    }

    /// Inspects the node.
    ///
    /// When the journal cannot be read, the agent acts as if there were none. The first step of the plan writes a new
    /// one.
    package func look() async -> NodeView {
        let labels = await owners.ownerLabels()
        var (facts, journal) = await prober.look()
        facts.claims = facts.claims.with(labels)
        return NodeView(setup, facts: facts, journal: journal.value)
    }
}
