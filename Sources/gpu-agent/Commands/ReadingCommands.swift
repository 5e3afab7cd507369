import Agent
import ArgumentParser
import FoundationEssentials
import NodeModel
import Planning
import Reporting

/// `facts`: what is known of the node.
struct FactsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "facts",
        abstract: "Look at the node and print everything that is known of it.",
        discussion: """
            Every fact is present, absent, unreadable (with the reason) or skipped. The JSON form is the input of \
            'plan --facts' and what belongs into a bug report.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host, choice: try ChoiceOptions.parse([]), facts: try FactsOption.parse([]))
            let prober = try source.prober()
            let labels = await prober.published.ownerLabels()
            var (facts, _) = await prober.look()
            facts.claims = facts.claims.with(labels)
            try Output.print(facts, as: format.output) { FactsText(facts: facts, style: $0).text }
        }
    }
}

/// `plan`: what would be done.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say which driver this node should have, why, and by which steps; change nothing.",
        discussion: "Exits 0 when there is a way to a working node, 1 when something stands in the way."
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var facts: FactsOption
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let plan = try await NodeSource(host: host, choice: choice, facts: facts).view().plan
            try Output.print(plan, as: format.output) { PlanText(plan: plan, style: $0).text }
            guard plan.obstacles.isEmpty else { throw ExitStatus.failed }
        }
    }
}

/// `labels`: what the Node would show.
struct LabelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "labels",
        abstract: "Print the labels that the agent would put on its Node."
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var facts: FactsOption
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let view = try await NodeSource(host: host, choice: choice, facts: facts).view()
            let labels = LabelsDocument(view.publication)
            try Output.print(labels, as: format.output) { _ in labels.text }
        }
    }
}

/// `version`.
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
