import ClusterSupport
import FoundationEssentials
import Kubernetes
import NodeModel
import SimulatedCluster
import Support
import TestSupport
import Testing

/// Passwords of proxies and signatures of URLs, which must not get anywhere.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct SecretsTests {
    private static let marker = "MARKER5f8a"

    @Test func reachNoOutputNoFileAndNoEvent() async throws {
        try await TestCluster.with { cluster in
            try await SimulatedNode.with { node in
                // A signed URL at which the server has nothing.
                let catalog = try node.directory.text("catalog.yaml")
                let signed = catalog.replacing(".run\n", with: ".run?sig=\(Self.marker)\n")
                    .replacing(".run\"", with: ".run?sig=\(Self.marker)\"")
                #expect(signed != catalog, "the catalog has no URL that could be signed: \(catalog)")
                try node.directory.write("catalog.yaml", signed.replacing("NVIDIA-Linux", with: "absent/NVIDIA-Linux"))
                var texts: [String: String] = [:]
                let proxies = [
                    [:], ["HTTP_PROXY": "socks5://user:\(Self.marker)@127.0.0.1:1"],
                    ["http_proxy": "http://user:\(Self.marker)@127.0.0.1:port/"],
                    ["HTTP_PROXY": "http://user:pass \(Self.marker)/#@127.0.0.1:1"],
                ]
                for (number, proxy) in proxies.enumerated() {
                    let install = try await node.agent("install", environment: proxy)
                    install.expectExit(1)
                    let code = number == 0 ? "download-not-found" : "download-failed"
                    #expect(install.errors.contains(code), "\(install)")
                    texts["install \(number)"] = "\(install.output)\(install.errors)"
                    texts["journal \(number)"] = node.text(HostLayout.journal)
                }
                let options = ["--log-level", "debug"]
                let run = try await RunningAgent.with(node, cluster, options: options, environment: proxies[1]) {
                    agent in
                    try await agent.awaitVerdict(.notReady)
                    try await untilAsync("the event is there") {
                        let events = await cluster.server.store.list("events", namespace: "default").objects
                        return "\(events)".contains("download-failed")
                    }
                }
                #expect(run.errors.contains("install failed"), "\(run)")
                texts["run"] = "\(run.output)\(run.errors)"
                for format in ["text", "json", "yaml"] {
                    texts["status \(format)"] = try await node.agent("status", ["-o", format]).output
                }
                texts["plan"] = try await node.agent("plan").output
                texts["node"] = "\(try await cluster.client.node(TestCluster.nodeName))"
                let events = await cluster.server.store.list("events", namespace: "default").objects
                texts["events"] = "\(events)"
                #expect("\(events)".contains("download-failed"), "\(events)")
                let found = try await node.run(["sh", "-c", "grep -rl \(Self.marker) /run /var/lib /var/log || true"])
                #expect(found == "", "files with the secret")
                for (name, text) in texts {
                    #expect(!text.isEmpty, "\(name) is empty")
                    #expect(!text.contains(Self.marker), "\(name): \(text)")
                }
                let mode = try await node.run(["stat", "-c", "%a", HostLayout.journal])
                #expect(mode == "600\n")
            }
        }
    }
}
