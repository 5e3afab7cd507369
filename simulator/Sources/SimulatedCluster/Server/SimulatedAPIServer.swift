public import FoundationEssentials
import Hummingbird
import HummingbirdTLS
public import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization
import UnixSignals

/// A certificate and its key, as PEM files.
public struct ServerCertificate: Sendable, Equatable {
    public var certificateFile: String
    public var privateKeyFile: String

    public init(certificateFile: String, privateKeyFile: String) {
        self.certificateFile = certificateFile
        self.privateKeyFile = privateKeyFile
    }
}

/// The simulated server cannot start.
public enum SimulatedAPIServerError: Error, Sendable {
    case certificate(path: String, cause: any Error)
    case seed(String)
    case alreadyRunning
    /// The server ended before it listened.
    case didNotStart(cause: (any Error)?)
}

/// A simulated API server in this process, for Nodes, Events and the resources around a node that is emptied.
///
/// It uses real HTTPS, and is as strict as the real server.
public final class SimulatedAPIServer: Sendable {
    public let store: ObjectStore
    public let faults = FaultQueue()
    public let log: RequestLog
    public let users: UserTable
    private let handler: APIHandler
    private let certificate: ServerCertificate
    private let logger: Logger
    private let now: @Sendable () -> Date
    private let running = Mutex<Running?>(nil)

    private struct Running {
        var group: ServiceGroup
        var task: Task<Void, Never>
    }

    /// Creates a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - certificate: The certificate and key of the server.
    ///   - tokens: The valid tokens and their users.
    ///   - admission: Decides about the writes of all users; nil for no admission policies.
    ///   - historyLimit: How many past changes the server keeps for watches.
    ///   - bookmarkInterval: How often a watch gets a bookmark.
    ///   - requestLogFile: The file of the request log; nil for no file.
    ///   - now: The clock of the server.
    ///   - logger: The logger of the HTTP server.
    /// - Throws: `Errno` when the server cannot open the request log.
    public init(
        certificate: ServerCertificate,
        tokens: [String: User],
        admission: AdmissionEvaluator? = nil,
        historyLimit: Int = 1000,
        bookmarkInterval: Duration = .seconds(60),
        requestLogFile: String? = nil,
        now: @escaping @Sendable () -> Date = { Date() },
        logger: Logger = Logger(label: "simulated-api-server") { _ in SwiftLogNoOpLogHandler() }
    ) throws {
        self.certificate = certificate
        self.logger = logger
        self.now = now
        store = ObjectStore(historyLimit: historyLimit)
        log = try RequestLog(path: requestLogFile)
        users = UserTable(tokens)
        handler = APIHandler(
            store: store,
            users: users,
            faults: faults,
            log: log,
            admission: admission,
            bookmarkInterval: bookmarkInterval,
            now: now
        )
    }

    /// Creates a Node as its kubelet would.
    ///
    /// The kubelet owns the fields. It writes the status through the subresource.
    ///
    /// - Throws: `APIFailure` when the Node is not valid.
    public func seed(node: JSON) async throws(APIFailure) {
        let time = now().formatted(.iso8601)
        let resource = Resource.node
        let main = ObjectWriter(resource: resource, namespace: nil, manager: "kubelet", time: time)
        let status = ObjectWriter(
            resource: resource,
            namespace: nil,
            subresource: "status",
            manager: "kubelet",
            time: time
        )
        var bare = node
        bare["status"] = nil
        let uid = node[path: ["metadata", "uid"]]
        var created = try main.create(bare)
        if let uid { created["metadata"]?["uid"] = uid }
        created["metadata"]?["resourceVersion"] = nil
        let name = created[path: ["metadata", "name"]]?.string ?? ""
        var full = created
        full["status"] = node["status"]
        let seeded = try status.patch(created, named: name, with: .whole(full))
        _ = try await store.write(ObjectKey(resource: "nodes", name: name)) { _ in seeded }
    }

    /// Answers a request without a network connection.
    public func respond(to request: APIRequest) async -> APIAnswer { await handler.respond(to: request) }

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - host: The address to listen on.
    ///   - port: The port; 0 for any free port.
    /// - Returns: The port.
    /// - Throws: `SimulatedAPIServerError` when the server cannot listen.
    public func start(host: String = "127.0.0.1", port: Int = 0) async throws -> Int {
        let (ports, continuation) = AsyncThrowingStream<Int, any Error>.makeStream()
        let group = try services(host: host, port: port, signals: []) { continuation.yield($0) }
        let isFirst = running.withLock { running in
            guard running == nil else { return false }
            running = Running(
                group: group,
                task: Task {
                    do {
                        try await group.run()
                        continuation.finish()
                    } catch {
                        continuation.finish(throwing: error)
                    }
                }
            )
            return true
        }
        guard isFirst else { throw SimulatedAPIServerError.alreadyRunning }
        do {
            for try await port in ports { return port }
        } catch {
            throw SimulatedAPIServerError.didNotStart(cause: error)
        }
        throw SimulatedAPIServerError.didNotStart(cause: nil)
    }

    /// Stops listening, ends watches and delayed responses, and closes all connections.
    ///
    /// The objects stay in memory.
    public func stop() async {
        let stopping = running.withLock { running in
            defer { running = nil }
            return running
        }
        await stopping?.group.triggerGracefulShutdown()
        await stopping?.task.value
    }

    /// Listens until the process gets SIGTERM or SIGINT.
    ///
    /// - Parameters:
    ///   - host: The address to listen on.
    ///   - port: The port; 0 for any free port.
    ///   - onReady: Gets the port when the server listens.
    /// - Throws: `SimulatedAPIServerError`, or the error of the HTTP server.
    public func run(host: String, port: Int, onReady: @escaping @Sendable (Int) async -> Void) async throws {
        try await services(host: host, port: port, signals: [.sigterm, .sigint], onReady: onReady).run()
    }

    private func services(
        host: String,
        port: Int,
        signals: [UnixSignal],
        onReady: @escaping @Sendable (Int) async -> Void
    ) throws -> ServiceGroup {
        let handler = handler
        let application = Application(
            responder: CallbackResponder<ConnectionContext> { request, context in
                try await handler.respond(to: request, context)
            },
            server: try .tls(.http1(), tlsConfiguration: try tls()),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
            onServerRunning: { channel in await onReady(channel.localAddress?.port ?? 0) },
            logger: logger
        )
        // The service group shuts down its last service first. This one ends the open watches, which would otherwise
        // prevent the shutdown of the HTTP server.
        let ender = LongAnswerEnder(store: store, faults: faults)
        var configuration = ServiceGroupConfiguration(
            services: [application, ender],
            gracefulShutdownSignals: signals,
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(20)
        return ServiceGroup(configuration: configuration)
    }

    private func tls() throws(SimulatedAPIServerError) -> TLSConfiguration {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate.certificateFile)
            let key = try NIOSSLPrivateKey(file: certificate.privateKeyFile, format: .pem)
            return .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(key)
            )
        } catch {
            throw .certificate(path: certificate.certificateFile, cause: error)
        }
    }
}

/// Ends watches and delayed responses when the server shuts down.
private struct LongAnswerEnder: Service {
    let store: ObjectStore
    let faults: FaultQueue

    func run() async throws {
        await store.allowWatches(true)
        try? await gracefulShutdown()
        await store.allowWatches(false)
        faults.release()
    }
}
