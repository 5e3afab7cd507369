import Agent
import ArgumentParser
import Glibc
import Planning
import Reporting

/// `uninstall`: undoes the install of the driver.
struct UninstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall",
        abstract: "Uninstall the driver that this agent installed, and print what stays on the host and why.",
        discussion: """
            The command undoes the steps that the journal records, the last one first. It never removes the driver of \
            another owner, and it changes nothing while a process uses the driver. After an interruption, run the \
            command again: it continues where it stopped. A daemon on this node does not install the driver again \
            until you run 'gpu-agent install'. Exits 0 when the driver is uninstalled or there is nothing to \
            uninstall; 1 when a step failed or an obstacle prevents the uninstall.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var format: OutputOption

    @Flag(help: "Print the steps and what stays. Changes nothing.")
    var plan = false

    @Option(help: ArgumentHelp("How long to wait while another process changes the host.", valueName: "duration"))
    var lockWait = WaitDuration(seconds: 60)

    func run() async throws {
        try await reporting {
            let options = plan ? host.withoutRoot : host
            let source = NodeSource(
                host: options,
                choice: try ChoiceOptions.parse([]),
                facts: try FactsOption.parse([])
            )
            let prober = try source.prober()
            guard plan else {
                let progress = ProgressPrinter(style: Style.of(STDERR_FILENO, environment: Output.environment))
                defer { progress.end() }
                let plan = try await prober.uninstall(
                    environment: Output.environment,
                    lockDeadline: lockWait.duration,
                    progress: progress.note
                )
                let document = UninstallDocument(plan, done: plan.nothing == nil)
                return try Output.print(document, as: format.output, text: document.text)
            }
            let document = UninstallDocument(await prober.uninstall().plan, done: false)
            try Output.print(document, as: format.output, text: document.text)
            guard document.problems.isEmpty else { throw ExitStatus.failed }
        }
    }
}
