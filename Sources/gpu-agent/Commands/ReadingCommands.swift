import Agent
import ArgumentParser
import FoundationEssentials
import NodeModel
import Planning
import Reporting

/// `facts`: the facts of the node.
struct FactsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "facts",
        abstract: "Inspect the node and print its facts.",
        discussion: """
            Every fact is present, absent, unreadable (with the reason) or skipped. 'plan --facts' reads the JSON \
            output. Add the JSON output to bug reports. The options for the catalog and the configuration do not \
            change the facts.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var facts: FactsOption
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let facts = try await read()
            try Output.print(facts, as: format.output) { FactsText(facts: facts, style: $0).text }
        }
    }

    private func read() async throws -> NodeFacts {
        if let file = facts.facts { return try FactsFile.read(file) }
        let prober = try NodeSource(host: host, choice: choice, facts: facts).prober()
        let labels = await prober.published.ownerLabels()
        var (facts, _) = await prober.look()
        facts.claims = facts.claims.with(labels)
        return facts
    }
}

/// `plan`: the decision, and the steps that carry it out.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Print which driver this node should have, why, and the steps to install it. Changes nothing.",
        discussion: "Exits 0 when the plan has no obstacles, 1 otherwise."
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var facts: FactsOption
    @OptionGroup var labels: NodeLabelsOption
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host, choice: choice, facts: facts, labels: labels.labels)
            let plan = try await source.view().plan
            try Output.print(plan, as: format.output) { PlanText(plan: plan, style: $0).text }
            guard plan.obstacles.isEmpty else { throw ExitStatus.failed }
        }
    }
}

/// `labels`: the labels of the Node.
struct LabelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "labels",
        abstract: "Print the labels that the agent would set on its Node.",
        discussion: """
            When the daemon runs, they come from its last inspection, as in 'gpu-agent status'. Otherwise the command \
            inspects the node itself.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var facts: FactsOption
    @OptionGroup var labels: NodeLabelsOption
    @OptionGroup var format: OutputOption

    @Flag(help: "Inspect the node now.")
    var fresh = false

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host, choice: choice, facts: facts, labels: labels.labels)
            let view = try await source.view(usesResults: !fresh)
            let document = LabelsDocument(view.publication)
            try Output.print(document, as: format.output) { _ in document.text }
        }
    }
}

/// `version`: the version of the agent.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the agent's version.")

    @OptionGroup var format: OutputOption

    func run() throws {
        try Output.print(Version(), as: format.output) { _ in "gpu-agent \(Version.text)\n" }
    }
}

/// The agent's version as a document.
struct Version: Encodable {
    var apiVersion = NodeFacts.currentAPIVersion
    var kind = "Version"
    var version = Version.text
}
