import Agent
import ArgumentParser
import GPUNode

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

/// The report of `validate`.
struct ValidationDocument: Encodable {
    var apiVersion = NodeFacts.currentAPIVersion
    var kind = "Validation"
    var success: Bool
    var verdict: Verdict
    var reason: ReasonCode?
    var nextAction: String
    var checks: [Finding]

    init(_ report: NodeReport, allowingNoGPU: Bool = false) {
        success = [.ready, .degraded].contains(report.verdict) || (allowingNoGPU && report.verdict == .noGPU)
        verdict = report.verdict
        reason = report.reason
        nextAction = report.nextAction
        checks = report.findings
    }

    func text(_ style: Style) -> String {
        let width = checks.map(\.title.count).max() ?? 0
        let lines = checks.map { finding -> String in
            let (word, color): (String, (String) -> String) =
                switch finding.state {
                case .pass: ("pass", style.green)
                case .warning: ("warning", style.yellow)
                case .failed: ("FAILED", style.red)
                case .unknown: ("unknown", style.yellow)
                case .notApplicable: ("n/a", style.faint)
                case .skipped: ("skipped", style.faint)
                }
            let code = finding.state == .pass || finding.state == .notApplicable ? "" : "  (\(finding.code.rawValue))"
            return "  \(color(padded(word, 7)))  \(padded(finding.title, width))  \(finding.observed)\(code)"
        }
        return (["\(style.bold(verdict.rawValue)): \(nextAction)"] + lines).joined(separator: "\n") + "\n"
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
