import Agent
import ArgumentParser
import Catalog
import Logging
import NodeModel
import Reporting
import Support

/// `config`: the configuration file.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check the configuration, and print which settings apply to a node, and why.",
        discussion: "docs/catalog.md has every key, and docs/pools.md the pools.",
        subcommands: [ConfigExplainCommand.self, ConfigCheckCommand.self]
    )
}

/// `config explain`: the settings of one node.
struct ConfigExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Print each setting of a node, where its value comes from, and which pool matches.",
        discussion: """
            The labels of the Node select the pool. They come from --labels, from the API server with --node, or, \
            without both, from the daemon on this node. Exits 0 when it is known which settings apply, 1 when the \
            labels are not known or more than one pool matches. Examples: \
            gpu-agent config explain --config config.yaml --labels example.com/pool=grid; \
            gpu-agent config explain --node gpu-1 -o yaml.
            """
    )

    @Option(help: ArgumentHelp("Read the labels of this Node through the API server.", valueName: "name"))
    var node: String?
    @OptionGroup var labels: NodeLabelsOption
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var host: HostOptions
    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var format: OutputOption

    func validate() throws {
        if labels.labels != nil, node != nil { throw ValidationError("use --labels or --node, not both") }
    }

    func run() async throws {
        try await reporting {
            let file = try ConfigFile.read(choice.configFile)
            let (labels, source) = try await nodeLabels(file.config)
            let explanation = ConfigExplanation(file.document, file.config, labels: labels, from: source)
            try Output.print(explanation, as: format.output, text: explanation.text)
            guard explanation.problem == nil else { throw ExitStatus.failed }
        }
    }

    /// The labels of the Node, and where they come from.
    private func nodeLabels(_ config: Config) async throws -> (Reading<[String: String]>, source: String) {
        if let given = labels.labels { return (.present(given.labels), "--labels") }
        if let node = node ?? cluster.nodeName {
            var logger = Logger(label: "gpu-agent") { _ in LineLogHandler() }
            logger.logLevel = .notice
            let reader = NodeLabelReader(
                node: node,
                cluster: cluster.server,
                environment: Output.environment,
                version: Version.text,
                logger: logger
            )
            return (.present(try await reader.labels()), "the Node \(node)")
        }
        guard !config.pools.isEmpty else { return (.skipped(Setup.labelsNotAsked), "") }
        let source = NodeSource(host: host.withoutRoot, choice: choice, facts: try FactsOption.parse([]))
        let labels = try await source.prober().published.selectedLabels(config.selectorKeys)
        return (labels, "the daemon on this node")
    }
}

/// `config check`: the problems of all files.
struct ConfigCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the configuration with all its pools, and the catalogs that it names.",
        discussion: """
            The command prints every problem with its line, and pairs of pools that can match the same node. It reads \
            nothing of this node. Exits 0 when the files can be used, 2 when they cannot, 1 with --strict and a note. \
            Example: gpu-agent config check --config config.yaml.
            """
    )

    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var format: OutputOption

    @Flag(help: "Exit with 1 when there is a note.")
    var strict = false

    func run() async throws {
        try await reporting {
            let setup = try Setup.load(choice.settings)
            let file = try ConfigFile.read(choice.configFile)
            let check = ConfigCheck(file.config, warnings: setup.warnings)
            try Output.print(check, as: format.output, text: check.text)
            if strict, !check.notes.isEmpty { throw ExitStatus.failed }
        }
    }
}
