import Agent
import ArgumentParser
import Catalog
import NodeModel
import Reporting
import Support

/// `wait`: waits until the driver, CUDA or the device plugin is ready.
struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until the driver is loaded, CUDA works, or the node offers its GPUs to pods.",
        discussion: """
            The command reads what the daemon of this node left in /run/gpu-agent, and the validation files in \
            /run/nvidia/validations. In an init container, one of the two directories is enough. It calls no library of \
            NVIDIA and changes nothing. On a node without a daemon, use 'gpu-agent validate --wait 15m'. \
            Exit codes: 0 it is ready; 2 wrong usage; 3 it is not ready at the end of the wait; 4 the node has no GPU; 5 \
            the files cannot be reached; 143 SIGTERM ended the command (130: SIGINT).
            """
    )

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "driver: a driver is loaded and NVML answers. cuda: CUDA works on every device. plugin: the node offers GPUs.",
            valueName: "goal"
        )
    )
    var goal: WaitGoal

    @Option(help: ArgumentHelp("How long to wait, such as 90s, 15m or 1h.", valueName: "duration"))
    var timeout = WaitDuration(seconds: 900)

    @Option(help: ArgumentHelp("The pause between two looks.", valueName: "duration"))
    var interval = WaitDuration(seconds: 2)

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var format: OutputOption

    func validate() throws {
        guard interval.duration >= .seconds(1) else { throw ValidationError("--interval must be 1s or more") }
    }

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host.withoutRoot, choice: choice, facts: try FactsOption.parse([]))
            let prober = try source.prober()
            // A mistake in the configuration ends the command before the wait.
            _ = try await offer(prober)
            let begin = ContinuousClock.now
            do {
                let answer = try await Interruption.ending(within: timeout.duration + .seconds(60)) {
                    try await look(prober, until: begin + timeout.duration)
                }
                try finish(answer, since: begin)
            } catch let interruption as Interruption {
                Output.complain("gpu-agent: \(interruption.signal) ended the wait\n")
                try report(.waiting("\(interruption.signal) ended the wait"), since: begin)
                throw ExitCode(interruption.exitCode)
            }
        }
    }

    /// Looks until the goal is reached or cannot be, and says on standard error what is missing each time that changes.
    private func look(
        _ prober: Prober,
        until end: ContinuousClock.Instant
    ) async throws -> WaitAnswer {
        var shown: WaitAnswer?
        while true {
            let answer = try await prober.waitEvidence(offer(prober)).answer(for: goal)
            guard case .waiting(let why) = answer, ContinuousClock.now < end else { return answer }
            if answer != shown { Output.complain("waiting for \(goal.rawValue): \(why)\n") }
            shown = answer
            try await Task.sleep(for: min(interval.duration, end - ContinuousClock.now))
        }
    }

    /// What the node waits for before it is ready; nothing as long as its pool is not known.
    private func offer(_ prober: Prober) async throws -> ReadinessPolicy.Offer {
        let config = try ConfigFile.read(choice.configFile).config
        let pool = config.choice(await prober.published.selectedLabels(config.selectorKeys))
        return pool.problem == nil ? config.settings(for: pool).policy.readiness.waitFor : .none
    }

    private func finish(_ answer: WaitAnswer, since begin: ContinuousClock.Instant) throws {
        try report(answer, since: begin)
        switch answer {
        case .reached: return
        case .waiting: throw ExitStatus.deadline
        case .noGPU: throw ExitStatus.noGPU
        }
    }

    private func report(_ answer: WaitAnswer, since begin: ContinuousClock.Instant) throws {
        let (reached, why): (Bool, String) =
            switch answer {
            case .reached(let how): (true, how)
            case .waiting(let why), .noGPU(let why): (false, why)
            }
        let document = WaitDocument(
            goal,
            reached: reached,
            why: why,
            seconds: begin.duration(to: .now) / .seconds(1),
            apiVersion: NodeFacts.currentAPIVersion
        )
        try Output.print(document, as: format.output) { _ in document.text }
    }
}

extension WaitGoal: ExpressibleByArgument {}
