import Agent
import ArgumentParser
import NodeModel
import Support

/// Creates the view of a node from this node or from a facts file.
struct NodeSource {
    var host: HostOptions
    var choice: ChoiceOptions
    var facts: FactsOption

    func setup() throws -> Setup { try Setup.load(Settings(host, choice)) }

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
            return NodeView(try setup(), facts: try FactsFile.read(file), journal: nil)
        }
        var prober = try configured(prober, configure)
        // The catalog is read while the node is inspected, because each takes a noticeable time.
        let loading = Task { try setup() }
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
