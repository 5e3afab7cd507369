import Agent
import ArgumentParser
import Glibc
import Reporting
import Support

/// `status`: the verdict and the next action, on one screen.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Print what is wrong with this node's GPUs, and what to do about it.",
        discussion: """
            The first line is the verdict: ready, installing, waiting, degraded, not-ready, no-gpu, left-alone or \
            unknown. The second line is the next action. The command changes nothing, and works without the daemon \
            and the API server. Without root, it shows what this user can read. It exits 0 for every verdict; use \
            'gpu-agent validate' for an exit code.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var facts: FactsOption
    @OptionGroup var format: OutputOption

    @Option(
        help: ArgumentHelp(
            "The time limit for NVML and, separately, for CUDA, such as 10s or 2m.",
            discussion: "Default: 60s for NVML and 30s for CUDA.",
            valueName: "duration"
        )
    )
    var timeout: WaitDuration?

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host.withoutRoot, choice: choice, facts: facts)
            if facts.facts == nil, source.host.hostRoot != host.hostRoot {
                Output.complain(
                    "gpu-agent: without root, status reads only the files that this user can read. It runs no command "
                        + "on the host and loads no library. Run it as root for a complete answer.\n"
                )
            }
            let waiting = WaitingLine(style: Style.of(STDERR_FILENO, environment: Output.environment))
            defer { waiting.end() }
            let view = try await source.view { prober in
                prober.vendorTimeout = timeout?.duration
                prober.vendorProgress = { waiting.show($0) }
            }
            waiting.end()
            let prober = facts.facts == nil ? try source.prober() : nil
            let published = await prober?.published.load()
            let status = StatusDocument(
                facts: view.facts,
                plan: view.plan,
                report: view.report,
                journal: view.journal,
                published: published,
                activity: await prober?.activity(view, published)
            )
            try Output.print(status, as: format.output) { StatusText(status: status, style: $0, now: now()).text }
        }
    }
}
