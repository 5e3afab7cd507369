import Agent
import ArgumentParser
import Glibc
import NodeModel
import Planning
import Reporting
import Selection

/// `install`: brings the driver onto the host.
struct InstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Install the driver that this node should have, load it and check it.",
        discussion: """
            Can be killed at any point and started again: it goes on where it was. On a good node it changes nothing. \
            Exits 0 when the node is good afterwards, 1 when a step failed or something stands in the way.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var format: OutputOption

    @Option(help: ArgumentHelp("How long to wait for another installer on this host.", valueName: "duration"))
    var lockWait = WaitDuration(seconds: 60)

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host, choice: choice, facts: try FactsOption.parse([]))
            let inspector = Inspector(prober: try source.prober(), setup: try source.setup())
            let progress = ProgressPrinter(style: Style.of(STDERR_FILENO, environment: Output.environment))
            let view = try await inspector.install(
                environment: Settings(host, choice).environment,
                lockDeadline: lockWait.duration,
                progress: progress.note
            )
            let document = ValidationDocument(view.report)
            try Output.print(document, as: format.output) { style in
                "\(style.bold(view.report.verdict.rawValue)): \(view.plan.decision.summary)\n"
            }
            guard document.success || [.noGPU, .leftAlone].contains(view.report.verdict) else {
                throw ExitStatus.failed
            }
        }
    }
}
