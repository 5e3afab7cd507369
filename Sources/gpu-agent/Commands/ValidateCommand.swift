import Agent
import ArgumentParser
import Health
import NodeModel
import Planning
import Reporting
import Selection
import Support
import Synchronization

/// `validate`: the result of the checks as an exit code.
struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check this node, and return the result as an exit code for a pipeline.",
        discussion: """
            Exit codes: 0 the GPUs work (ready or degraded); 1 a check or an expectation failed; 2 wrong usage, an \
            invalid configuration or catalog, or a report file that cannot be written; 3 the node is still installing or \
            waiting (with --wait: at the end of the wait); 4 the node has no GPU; 5 the state is unknown; 6 another owner \
            manages the driver; 143 SIGTERM ended the command (130: SIGINT).


            The command changes nothing. It prints the report on standard output. With wrong usage, it prints none. \
            Examples:


            gpu-agent validate --wait 15m --expect kind=datacenter,gpus=8 -o junit --report /tmp/gpu.xml


            gpu-agent validate --level 2 --fail-on failed --skip publication,license
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var facts: FactsOption
    @OptionGroup var labels: NodeLabelsOption
    @OptionGroup var extent: ValidationExtent
    @OptionGroup var demands: ValidationDemands
    @OptionGroup var format: ValidationOutput

    @Option(
        help: ArgumentHelp(
            "How long to wait until the node is as it should be, such as 90s, 15m or 1h.",
            discussion: """
                The command ends before that when the node is as it should be, when it has no GPU, when another owner \
                manages the driver, and after a failure that does not end by itself, such as 'no-driver-fits'.
                """,
            valueName: "duration"
        )
    )
    var wait: WaitDuration?

    @Option(help: ArgumentHelp("The pause between two inspections with --wait.", valueName: "duration"))
    var interval = WaitDuration(seconds: 2)

    @Flag(help: "Exit with 0 on a node without a GPU.")
    var allowNoGpu = false

    func validate() throws {
        guard interval.duration >= .seconds(1) else { throw ValidationError("--interval must be 1s or more") }
        if extent.checks.contains(.vulkan), extent.level != .full {
            throw ValidationError("--checks vulkan needs --level 3")
        }
        let problems = demands.problems + extent.problems
        guard problems.isEmpty else { throw ValidationError(problems.joined(separator: "\n  ")) }
    }

    func run() async throws {
        try await reporting {
            let rules = ValidationRules(failOn: demands.failOn, allowsNoGPU: allowNoGpu)
            let printer = try ValidationPrinter(format)
            let last = LastValidation()
            do {
                // Each inspection has bounds of its own. The limit is only for what nobody thought of.
                let limit = (wait?.duration ?? .zero) + .seconds(1800)
                let document = try await Interruption.ending(within: limit) { try await inspect(rules, last) }
                try printer.print(document)
                if let code = exitCode(document.outcome) { throw code }
            } catch let interruption as Interruption {
                try printer.print(last.document(endedBy: interruption, rules))
                throw ExitCode(interruption.exitCode)
            } catch let failure as AgentFailure {
                try printer.printFailure(failure.description, [failure.problem] + failure.others, rules)
                throw failure
            } catch let error as SetupError {
                try printer.printFailure(errorChain(error), [], rules)
                throw error
            }
        }
    }

    /// Inspects the node until it is as it should be, until it cannot become so, or until the wait is over.
    private func inspect(_ rules: ValidationRules, _ last: LastValidation) async throws -> ValidationDocument {
        let end = ContinuousClock.now + (wait?.duration ?? .zero)
        let source = NodeSource(host: host, choice: choice, facts: facts, labels: labels.labels)
        // One prober for all inspections, so that each device runs its kernel only once.
        let prober = facts.facts == nil ? try extent.configured(source.prober()) : nil
        while true {
            let view = try await source.view(with: prober)
            let report = view.report(leavingOut: extent.leftOut)
            let managed = view.plan.decision.managed(view.facts)
            var document = ValidationDocument(
                report,
                rules: rules,
                expectations: demands.expectations.findings(managed)
            )
            last.set(document)
            guard document.outcome.canChange, facts.facts == nil, ContinuousClock.now < end else { return document }
            if let failure = report.lastingFailure {
                document.note = "The command did not wait: \(failure.code.rawValue) does not end by itself."
                return document
            }
            try await Task.sleep(for: min(interval.duration, end - ContinuousClock.now))
        }
    }

    private func exitCode(_ outcome: ValidationOutcome) -> ExitCode? {
        switch outcome {
        case .success: nil
        case .failed: ExitStatus.failed
        case .installing: ExitStatus.deadline
        case .noGPU: ExitStatus.noGPU
        case .unknown: ExitStatus.cannotTell
        case .leftAlone: ExitStatus.leftAlone
        case .interrupted: ExitCode(Interruption.terminated.exitCode)
        }
    }
}

/// The results of the last inspection, for a command that a signal ends.
private final class LastValidation: Sendable {
    private let document = Mutex<ValidationDocument?>(nil)

    func set(_ new: ValidationDocument) { document.withLock { $0 = new } }

    func document(endedBy interruption: Interruption, _ rules: ValidationRules) -> ValidationDocument {
        let last = document.withLock(\.self)
        if let last { return last.interrupted("\(interruption.signal) ended the command while it waited.") }
        return ValidationDocument(
            without: .interrupted,
            note: "\(interruption.signal) ended the command before the end of the inspection.",
            rules: rules
        )
    }
}

/// A check that runs only when somebody asks for it.
enum FurtherCheck: String, ExpressibleByArgument, CaseIterable {
    case vulkan
}

/// A duration on the command line, such as `90s`, `15m` or `1h`.
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
