import Agent
import ArgumentParser
import NodeModel
import Reporting
import Support

/// `validate`: the result of the checks as an exit code.
struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check this node, and return the result as an exit code for a pipeline.",
        discussion: """
            Exit codes: 0 the GPUs work (ready or degraded); 1 a check failed; 2 wrong usage, or an invalid \
            configuration or catalog; 3 the node is still installing or waiting (with --wait: at the end of the wait); \
            4 the node has no GPU; 5 the state is unknown; 6 another owner manages the driver.
            The command changes nothing. It prints the report on standard output, except with exit code 2.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var facts: FactsOption
    @OptionGroup var format: OutputOption

    @Option(
        help: ArgumentHelp(
            "How long to wait for a running install, such as 90s, 15m or 1h.",
            valueName: "duration"
        )
    )
    var wait: WaitDuration?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Further checks: vulkan creates a device on each GPU with Vulkan.",
            discussion: "'checks.vulkan: true' in the configuration has the same effect.",
            valueName: "check"
        )
    )
    var checks: [FurtherCheck] = []

    @Flag(help: "Exit with 0 on a node without a GPU.")
    var allowNoGpu = false

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host, choice: choice, facts: facts)
            let end = ContinuousClock.now + (wait?.duration ?? .zero)
            let testsVulkan = checks.contains(.vulkan)
            let configure: (inout Prober) -> Void = { prober in
                prober.cuda.level = .full
                if testsVulkan { prober.testsVulkan = { true } }
            }
            var view = try await source.view(configure: configure)
            // Wait only while an install is running or waiting. Every other verdict is final.
            while [.installing, .waiting].contains(view.report.verdict), ContinuousClock.now < end {
                try await Task.sleep(for: min(.seconds(1), end - ContinuousClock.now))
                view = try await source.view(configure: configure)
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
        case .unknown: ExitStatus.cannotTell
        case .leftAlone: ExitStatus.leftAlone
        }
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
