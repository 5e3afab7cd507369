import Agent
import ArgumentParser
import Catalog
import NodeModel
import Support

/// Creates the view of a node from this node or from a facts file.
struct NodeSource {
    var host: HostOptions
    var choice: ChoiceOptions
    var facts: FactsOption
    var labels: NodeLabels?

    /// The configuration for this node, and the catalog.
    ///
    /// When the configuration has pools, the labels of the Node come from the command line, or from the file that the
    /// daemon writes. A facts file does not have them.
    func setup() async throws -> Setup {
        let settings = Settings(host, choice)
        let known = labels.map { Reading.present($0.labels) }
        let first = try Setup.load(settings, labels: known ?? .skipped("the facts of a file do not have them"))
        guard known == nil, facts.facts == nil, let pools = first.pools, let prober = try? prober() else {
            return first
        }
        return try Setup.load(settings, labels: await prober.published.selectedLabels(pools.selectorKeys))
    }

    /// The view of the node, or of the node in a file.
    ///
    /// `configure` changes the prober before it inspects this node. A command that has a prober already passes it, because
    /// each has a file open. With `usesResults`, the results of the daemon replace the inspection while they are current.
    func view(
        with prober: Prober? = nil,
        usesResults: Bool = false,
        configure: (inout Prober) -> Void = { _ in }
    ) async throws -> NodeView {
        if let file = facts.facts {
            return NodeView(try await setup(), facts: try FactsFile.read(file), journal: nil)
        }
        var prober = try configured(prober, configure)
        // The catalog is read while the node is inspected, because each takes a noticeable time.
        let loading = Task { try await setup() }
        if usesResults, let results = await prober.daemonResults(), await prober.isCurrent(results) {
            return await Inspector(prober: prober, setup: try await loading.value).currentView(results)
        }
        let asked = prober.testsVulkan
        prober.testsVulkan = {
            if await asked() { return true }
            return (try? await loading.value)?.policy.checksVulkan ?? false
        }
        let reading = await NodeReading(prober, prober.published)
        return await Inspector(prober: prober, setup: try await loading.value).currentView(reading)
    }

    private func configured(_ existing: Prober?, _ configure: (inout Prober) -> Void) throws -> Prober {
        var prober = try existing ?? self.prober()
        configure(&prober)
        return prober
    }

    func prober() throws -> Prober {
        do { return try Prober(Settings(host, choice)) } catch {
            throw AgentFailure(
                Finding(
                    .hostUnreachable,
                    observed: errorChain(error),
                    expected: "the host's root directory",
                    remedy: "Run as root in the host's PID namespace, or name the directory with --host-root."
                )
            )
        }
    }
}
