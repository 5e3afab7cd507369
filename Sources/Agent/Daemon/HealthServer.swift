import Health
import Hummingbird
import Logging
import NIOCore
import NodeModel
import Planning
import Reporting
import VendorProbe

/// Answers `/healthz`, `/readyz` and `/metrics`.
struct HealthServer {
    let box: SnapshotBox
    /// How long the reconciler may make no progress before `/healthz` answers 503.
    let silence: Duration
    /// The child processes that the agent could not kill.
    var abandoned = AbandonedChildren()
    /// How long the parts of the inspections took.
    var times = ProbeTimes()
    /// The version of the agent; nil when it is not known.
    var version: String?
    /// After this time without a request, a connection is closed.
    var idleTimeout = Duration.seconds(15)
    /// How many connections may be open; for each one above, the server closes another.
    ///
    /// A probe or a scrape uses one for a moment.
    var connectionLimit = 64
    /// How many more may exist while they are being closed.
    ///
    /// The server stops accepting above that, so that the number of its descriptors has a limit.
    private static let closing = 16

    /// Returns the server as a service.
    ///
    /// With port 0, the kernel chooses the port. `onServerRunning` gets the channel, which has the address.
    func application(
        host: String,
        port: Int,
        logger: Logger,
        onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        let router = Router()
        router.get("/healthz") { _, _ in self.health() }
        router.get("/readyz") { _, _ in self.readiness() }
        router.get("/metrics") { request, _ in
            self.metrics(MetricsFormat(accept: request.headers[.accept]))
        }
        var quiet = logger
        quiet.logLevel = .warning
        let room = ConnectionRoom(limit: connectionLimit)
        return Application(
            router: router,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [room.handler()],
                    idleTimeout: TimeAmount(idleTimeout)
                )
            ),
            configuration: .init(
                address: .hostname(host, port: port),
                serverName: "gpu-agent",
                availableConnectionsDelegate: .maximum(connectionLimit + Self.closing, logger: quiet)
            ),
            onServerRunning: onServerRunning,
            logger: quiet
        )
    }

    private func health() -> Response {
        let silent = box.silence
        return silent <= silence
            ? Self.text(.ok, "ok\n")
            : Self.text(.serviceUnavailable, "the reconciler made no progress for \(silent.components.seconds) s\n")
    }

    /// Why there are no results.
    private var noInspection: String { box.awaited ?? "the agent has not inspected the node yet" }

    private func readiness() -> Response {
        guard let report = box.snapshot?.view.report else {
            return Self.text(.serviceUnavailable, noInspection + "\n")
        }
        let good = [.ready, .noGPU, .leftAlone].contains(report.verdict)
        // The status depends on the GPUs alone, so that an outage of the API server does not stop a rollout. The body
        // also says whether the API server knows the state of the GPUs.
        let publication = Checks.findings(about: box.published).filter { $0.state != .pass }
        let lines =
            ["\(report.verdict.rawValue): \(report.nextAction)"]
            + publication.map { "\($0.code.rawValue): \($0.observed) \($0.remedy.text)" }
        return Self.text(good ? .ok : .serviceUnavailable, lines.map { $0 + "\n" }.joined())
    }

    private func metrics(_ format: MetricsFormat) -> Response {
        guard let snapshot = box.snapshot else {
            return Self.text(.serviceUnavailable, noInspection + "\n")
        }
        var metrics = Metrics(
            report: snapshot.view.report,
            facts: snapshot.view.facts,
            decision: snapshot.view.plan.decision,
            journal: snapshot.view.journal,
            apiRequests: snapshot.requests,
            published: box.published,
            lookedAt: snapshot.at,
            abandonedProcesses: abandoned.count
        )
        metrics.faults = snapshot.view.gpuFaults
        metrics.boot = box.boot
        (metrics.probes, metrics.inspectionSeconds) = (times.parts, times.whole)
        (metrics.version, metrics.showsGPUs) = (version, snapshot.showsGPUs)
        return Self.text(.ok, metrics.text(format), type: format.contentType)
    }

    private static func text(
        _ status: HTTPResponse.Status,
        _ text: String,
        type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status,
            headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}
