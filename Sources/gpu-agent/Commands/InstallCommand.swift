import Agent
import ArgumentParser
import Glibc
import NodeModel
import Planning
import Reporting
import Selection

/// `install`: installs the driver on the host.
struct InstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Install the driver that this node should have, load it and check it.",
        discussion: """
            After an interruption, run the command again: it continues where it stopped. On a node that is ready, it \
            changes nothing. Exits 0 when the node works, has no GPU or is left alone; 1 when a step failed or an \
            obstacle prevents the install.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var labels: NodeLabelsOption
    @OptionGroup var format: OutputOption

    @Option(help: ArgumentHelp("How long to wait while another process changes the host.", valueName: "duration"))
    var lockWait = WaitDuration(seconds: 60)

    func run() async throws {
        try await reporting {
            let source = NodeSource(
                host: host,
                choice: choice,
                facts: try FactsOption.parse([]),
                labels: labels.labels
            )
            let inspector = Inspector(prober: try source.prober(), setup: try await source.setup())
            let progress = ProgressPrinter(style: Style.of(STDERR_FILENO, environment: Output.environment))
            defer { progress.end() }
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
