import Agent
import ArgumentParser
import Logging
import NodeModel

/// `unpublish`: the Node without anything of the agent.
struct UnpublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpublish",
        abstract: "Remove everything that the agent wrote to its Node.",
        discussion: """
            Use this command when you uninstall the agent. It removes the labels, the annotations, the taint, the \
            conditions and the field ownership. The overlay 'uninstall' runs it on every node. A running daemon in the \
            mode 'label' or 'manage' would write them again. On the host, the command removes only what the agent made \
            below /run/nvidia for the GPU Operator.
            """
    )

    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var cluster: ClusterOptions

    func run() async throws {
        try await reporting {
            let environment = Output.environment
            guard let node = cluster.node(environment) else {
                Output.complain("gpu-agent: the name of the Node is missing\n  → Set NODE_NAME or --node-name.\n")
                throw ExitStatus.usage
            }
            let settings = try Settings(HostOptions.parse([]), choice)
            let setup = try Setup.load(settings)
            var logger = Logger(label: "gpu-agent") { _ in LineLogHandler() }
            logger.logLevel = .notice
            let text = try await Unpublishing(
                node: node,
                cluster: cluster.server,
                prefix: setup.policy.labelPrefix,
                conditions: setup.policy.conditions,
                environment: environment,
                version: Version.text,
                logger: logger
            ).run()
            Output.write(text)
            // Without root, or away from the node, there is no host whose files could be the agent's.
            guard let prober = try? Prober(settings) else { return }
            for path in try await prober.withdrawHandover() { Output.write("host: removed \(path)\n") }
        }
    }
}
