import Agent
import ArgumentParser
import NodeModel
import Reporting
import Support

/// `validate`: the checks as pass or fail.
struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check this node for a pipeline: the answer is the exit code.",
        discussion: """
            Exit codes: 0 every check passed; 1 a check failed; 2 wrong use or a broken catalog; 3 the deadline of \
            --wait passed while an install was still going on or waited; 4 there is no GPU; 5 it could not be told, or the driver is somebody else's.
            Changes nothing. The report goes to standard output on every exit but 2.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var facts: FactsOption
    @OptionGroup var format: OutputOption

    @Option(
        help: ArgumentHelp(
            "Wait this long for an install that is going on, such as 90s, 15m or 1h.",
            valueName: "duration"
        )
    )
    var wait: WaitDuration?

    @Flag(help: "A node without a GPU passes.")
    var allowNoGpu = false

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host, choice: choice, facts: facts)
            let end = ContinuousClock.now + (wait?.duration ?? .zero)
            var view = try await source.view()
            // Only an install that is going on is waited for: every other state is an answer.
            while [.installing, .waiting].contains(view.report.verdict), ContinuousClock.now < end {
                try await Task.sleep(for: min(.seconds(1), end - ContinuousClock.now))
                view = try await source.view()
            }
            let document = ValidationDocument(view.report, allowingNoGPU: allowNoGpu)
            try Output.print(document, as: format.output) { document.text($0) }
            if let code = exitCode(view.report) { throw code }
        }
    }

    private func exitCode(_ report: NodeReport) -> ExitCode? {
        switch report.verdict {
        case .ready, .degraded: nil
        case .notReady: ExitStatus.failed
        case .installing, .waiting: ExitStatus.deadline
        case .noGPU: allowNoGpu ? nil : ExitStatus.noGPU
        case .unknown, .leftAlone: ExitStatus.cannotTell
        }
    }
}

/// A length of time on the command line.
struct WaitDuration: ExpressibleByArgument {
    var duration: Duration

    init?(argument: String) {
        let units: [(suffix: String, seconds: Int)] = [("h", 3600), ("m", 60), ("s", 1)]
        guard let unit = units.first(where: { argument.hasSuffix($0.suffix) }),
            let number = Int(argument.dropLast()), (0...86400).contains(number)
        else { return nil }
        duration = .seconds(number * unit.seconds)
    }
}
