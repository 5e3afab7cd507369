import Agent
import ArgumentParser
import Glibc
import NodeModel
import Reporting
import Support

/// `status`: the verdict and the next action, on one screen.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Print what is wrong with this node's GPUs, and what to do about it.",
        discussion: """
            The first line is the verdict: ready, installing, waiting, degraded, not-ready, no-gpu, left-alone or \
            unknown. The second line is the next action. When the daemon runs, the command shows the results of its \
            last inspection with their age. Otherwise it inspects the node itself, and waits 1.5 seconds for NVML and \
            CUDA. What does not answer in this time is unknown. The command changes nothing, and works without the \
            API server. Without root, it shows what this user can read. It exits 0 for every verdict; use \
            'gpu-agent validate' for an exit code.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var facts: FactsOption
    @OptionGroup var labels: NodeLabelsOption
    @OptionGroup var format: OutputOption

    @Flag(help: "Inspect the node now, and wait up to a minute for NVML and half a minute for CUDA.")
    var fresh = false

    @Option(
        help: ArgumentHelp(
            "The time limit for NVML and, separately, for CUDA, such as 10s or 2m. Implies --fresh.",
            discussion: "Default with --fresh: 60s for NVML and 30s for CUDA.",
            valueName: "duration"
        )
    )
    var timeout: WaitDuration?

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host.withoutRoot, choice: choice, facts: facts, labels: labels.labels)
            let prober = facts.facts == nil ? try source.prober() : nil
            let isBrief = !fresh && timeout == nil
            let results = isBrief ? await prober?.daemonResults() : nil
            var (daemonTime, last): (Timestamp?, LastResults?)
            let view: NodeView
            if let prober, let results, await prober.isCurrent(results) {
                view = await Inspector(prober: prober, setup: try await source.setup()).currentView(results)
                daemonTime = results.at
            } else {
                view = try await inspected(source, prober, isBrief: isBrief)
                if view.driverWasSlow, let prober, let results {
                    let before = await Inspector(prober: prober, setup: try await source.setup()).currentView(results)
                    last = LastResults(at: results.at, before.report, results.facts)
                }
            }
            let published = await prober?.published.load()
            let status = StatusDocument(
                facts: view.facts,
                plan: view.plan,
                report: view.report,
                journal: view.journal,
                published: published,
                activity: await prober?.activity(view, published),
                inspectedByDaemonAt: daemonTime,
                lastResults: last
            )
            try Output.print(status, as: format.output) { StatusText(status: status, style: $0, now: now()).text }
        }
    }

    /// Inspects the node, or reads the facts in the file, and shows a waiting line meanwhile.
    private func inspected(_ source: NodeSource, _ prober: Prober?, isBrief: Bool) async throws -> NodeView {
        if facts.facts == nil, source.host.hostRoot != host.hostRoot {
            Output.complain(
                "gpu-agent: without root, status reads only the files that this user can read. It runs no command "
                    + "on the host and loads no library. Run it as root for a complete answer.\n"
            )
        }
        let waiting = WaitingLine(style: Style.of(STDERR_FILENO, environment: Output.environment))
        defer { waiting.end() }
        return try await source.view(with: prober) { prober in
            prober.vendorTimeout = timeout?.duration
            prober.isBrief = isBrief
            prober.vendorProgress = { waiting.show($0) }
        }
    }
}
