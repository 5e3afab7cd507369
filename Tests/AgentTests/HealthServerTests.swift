import AsyncHTTPClient
import Catalog
import Logging
import NIOCore
import NIOHTTP1
import NodeModel
import ServiceLifecycle
import Support
import TestSupport
import Testing

@testable import Agent

/// Requests to the health server over a socket.
@Suite(.timeLimit(.minutes(1))) struct HealthServerTests {
    private struct Answer: Equatable {
        var status: Int
        var type: String?
        var text: String
    }

    private func get(
        _ path: String,
        of box: SnapshotBox,
        silence: Duration = .seconds(60),
        accepting accept: String? = nil
    ) async throws -> Answer {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let application = HealthServer(box: box, silence: silence).application(
            host: "127.0.0.1",
            port: 0,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? 0) }
        )
        let running = Task { try await application.run() }
        defer { running.cancel() }
        let port = try #require(await ports.first { _ in true })
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        if let accept { request.headers.add(name: "accept", value: accept) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 1 << 20)
        return Answer(
            status: Int(response.status.code),
            type: response.headers.first(name: "content-type"),
            text: String(buffer: body)
        )
    }

    private func box(_ facts: NodeFacts) throws -> SnapshotBox {
        let box = SnapshotBox()
        let view = NodeView(Setup(catalog: Catalog(), policy: Policy()), facts: facts, journal: nil)
        box.put(SnapshotBox.Snapshot(view: view, at: 1_795_219_200, requests: []))
        return box
    }

    private static let plain = "text/plain; charset=utf-8"

    @Test func isHealthyAsLongAsTheLoopShowsLife() async throws {
        let box = SnapshotBox()
        #expect(try await get("/healthz", of: box) == Answer(status: 200, type: Self.plain, text: "ok\n"))
        let silent = try await get("/healthz", of: box, silence: .zero)
        #expect(silent.status == 503 && silent.text.hasPrefix("the reconciler made no progress for "))
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await get("/healthz", of: box, silence: .milliseconds(200)).status == 503)
        let silence = box.silence
        box.alive()
        #expect(box.silence < silence)
    }

    @Test func isNotReadyBeforeTheFirstLook() async throws {
        for path in ["/readyz", "/metrics"] {
            let answer = try await get(path, of: SnapshotBox())
            #expect(answer == Answer(status: 503, type: Self.plain, text: "the agent has not inspected the node yet\n"))
        }
    }

    @Test(arguments: [
        (NodeFacts.noGPU, 200, "no-gpu: "), (.h100Ready, 503, "degraded: "), (.h100, 503, "not-ready: "),
        (
            .h100.with { $0.claims.nodeLabels = .present(["cloud.google.com/gke-gpu-driver-version": "latest"]) }, 200,
            "left-alone: "
        ),
    ])
    func isReadyByItsVerdict(_ facts: NodeFacts, _ status: Int, _ text: String) async throws {
        let answer = try await get("/readyz", of: try box(facts))
        #expect(answer.status == status && answer.type == Self.plain)
        #expect(answer.text.hasPrefix(text), "\(answer.text)")
    }

    /// The status keeps its meaning for the pod, and the body says what the API server does not know.
    @Test func saysInTheBodyThatTheAPIServerDoesNotKnow() async throws {
        let box = try box(.noGPU)
        box.published = PublishedState(node: "gpu-1", failure: "connection refused")
        let answer = try await get("/readyz", of: box)
        #expect(answer.status == 200)
        #expect(answer.text.contains("\npublication-failed: connection refused. No publication has succeeded yet."))
        let metrics = try await get("/metrics", of: box).text
        #expect(metrics.contains("gpu_agent_check_passed{code=\"publication-failed\"} 0\n"))
        #expect(!metrics.contains("gpu_agent_last_publication_timestamp_seconds"))
        box.published = PublishedState(node: "gpu-1", at: Timestamp(1_795_219_200))
        #expect(try await get("/readyz", of: box).text.split(separator: "\n").count == 1)
        let later = try await get("/metrics", of: box).text
        #expect(later.contains("gpu_agent_last_publication_timestamp_seconds 1795219200\n"))
    }

    @Test func showsTheMetricsOfTheLastLook() async throws {
        let answer = try await get("/metrics", of: try box(.noGPU))
        #expect(answer.status == 200)
        #expect(answer.type == "text/plain; version=0.0.4; charset=utf-8")
        #expect(answer.text.contains("gpu_agent_verdict{verdict=\"no-gpu\"} 1\n"))
        #expect(answer.text.contains("gpu_agent_last_look_timestamp_seconds 1795219200\n"))
    }

    @Test func speaksOpenMetricsWithWhoeverAsksForIt() async throws {
        let answer = try await get("/metrics", of: try box(.noGPU), accepting: "application/openmetrics-text;q=0.9")
        #expect(answer.type == "application/openmetrics-text; version=1.0.0; charset=utf-8")
        #expect(answer.text.contains("# UNIT gpu_agent_last_look_timestamp_seconds seconds\n"))
        #expect(answer.text.hasSuffix("\n# EOF\n"))
        #expect(try await get("/metrics", of: try box(.noGPU), accepting: "*/*").type?.hasPrefix("text/plain") == true)
    }

    /// What the box and the server know beside the last inspection is in the metrics.
    @Test func showsTheTimesAndTheCountsSinceTheBoot() async throws {
        let box = try box(.noGPU)
        #expect(try await !get("/metrics", of: box).text.contains("gpu_agent_boot_timestamp_seconds"))
        var record = BootRecord.continuing(nil, boot: "b", at: Timestamp(1_795_219_200), uptime: 200)
        record.reached(.agent, at: 12)
        record.reached(.ready, at: 99.5)
        record.attempts = 1
        box.boot = record
        let text = try await get("/metrics", of: box).text
        #expect(text.contains("gpu_agent_boot_timestamp_seconds 1795219000\n"))
        #expect(text.contains("gpu_agent_boot_to_ready_seconds 99.5\n"))
        #expect(text.contains("gpu_agent_install_attempts_total 1\n"))
    }

    @Test func knowsNoOtherPath() async throws {
        #expect(try await get("/secrets", of: SnapshotBox()).status == 404)
    }
}
