import Catalog
import Documents
import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// The keys below `readiness` in the configuration.
@Suite struct ReadinessConfigTests {
    private func read(_ body: String) throws -> Result<Config, DocumentProblems> {
        Config.read(try YAMLDocument.parse("apiVersion: gpu-agent/v1\nkind: AgentConfig\n" + body, file: "c"))
    }

    @Test(arguments: [
        ("", ReadinessPolicy()),
        ("readiness: {waitFor: dra}", ReadinessPolicy(waitFor: .dra)),
        (
            "readiness: {waitFor: device-plugin, startupTaints: []}",
            ReadinessPolicy(waitFor: .devicePlugin, startupTaints: [])
        ),
        (
            """
            readiness:
              startupTaints:
                - {key: example.com/gpu-starts}
                - {key: example.com/gpu-starts, effect: NoExecute}
            """,
            ReadinessPolicy(
                startupTaints: [
                    StartupTaint(key: "example.com/gpu-starts"),
                    StartupTaint(key: "example.com/gpu-starts", effect: .noExecute),
                ]
            )
        ),
    ])
    func readsTheKeys(_ body: String, _ readiness: ReadinessPolicy) throws {
        #expect(try read(body).get().policy.readiness == readiness)
    }

    @Test(arguments: [
        ("readiness: {waitFor: plugin}", "waitFor 'plugin' is not one of none, device-plugin, dra"),
        ("readiness: {startupTaints: [{effect: NoSchedule}]}", "a start-up taint needs 'key'"),
        ("readiness: {startupTaints: [{key: a.b/c, effect: Never}]}", "effect 'Never' is not one of"),
        ("readiness: {startupTaints: [{key: gpu}]}", "key 'gpu' is not the key of a taint with its domain"),
        ("readiness: {startupTaints: [{key: a.b/c/d}]}", "key 'a.b/c/d' is not"),
        ("readiness: {startupTaints: [{key: a.b/-c}]}", "key 'a.b/-c' is not"),
        (
            "readiness: {startupTaints: [{key: node.kubernetes.io/not-ready}]}",
            "'node.kubernetes.io/not-ready' is a taint of Kubernetes itself"
        ),
        ("readiness: {startupTaints: [{key: a.b/c}, {key: a.b/c}]}", "startupTaints has 'a.b/c:NoSchedule' twice"),
        (
            "readiness: {startupTaints: [\((0..<17).map { "{key: a.b/c\($0)}" }.joined(separator: ", "))]}",
            "startupTaints has more than 16 entries"
        ),
        ("cluster: none\nreadiness: {waitFor: dra}", "waitFor needs a cluster, and 'cluster' is none"),
    ])
    func namesTheMistake(_ body: String, _ message: String) throws {
        guard case .failure(let found) = try read(body) else {
            Issue.record("was read")
            return
        }
        #expect(found.problems.map(\.message).contains { $0.contains(message) }, "\(found.problems)")
    }

    /// The shipped configuration has the values that it says are the defaults.
    @Test func theShippedTaintsAreTheDefaults() throws {
        let folders = ["base", "overlays/offline", "overlays/gpu-operator", "overlays/dra"]
        let files = folders.map { fixture("../../daemonset/\($0)/config.yaml") }
        let shipped = try files.map { file in
            let text = try String(contentsOfFile: file, encoding: .utf8)
            return try Config.read(try YAMLDocument.parse(text, file: file)).get().policy.readiness
        }
        let expected = [ReadinessPolicy(), ReadinessPolicy(), ReadinessPolicy(waitFor: .devicePlugin)]
        #expect(shipped == expected + [ReadinessPolicy(waitFor: .dra)])
    }
}
