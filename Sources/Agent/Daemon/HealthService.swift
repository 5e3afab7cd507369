import Hummingbird
import Logging
import NIOCore
import NetworkErrors
import ServiceLifecycle
import Support
import SystemPackage

/// Runs the health server on one address.
struct HealthService: Service {
    let server: HealthServer
    /// The address to listen on.
    ///
    /// `::` stands for all addresses of the node, of IPv6 and of IPv4.
    let host: String
    let port: Int
    let logger: Logger
    var onServerRunning: @Sendable (any Channel) async -> Void = { _ in }

    func run() async throws {
        do { try await listen(on: host) } catch let error as IOError where host == "::" && error.isWithoutIPv6 {
            try await listen(on: "0.0.0.0")
        }
    }

    private func listen(on host: String) async throws {
        let application = server.application(
            host: host,
            port: port,
            logger: logger,
            onServerRunning: { channel in
                if let address = channel.localAddress, let host = address.ipAddress, let port = address.port {
                    logger.notice("listening", metadata: ["address": "\(Self.text(host, port))"])
                }
                await onServerRunning(channel)
            }
        )
        do { try await run(application) } catch let error as IOError where !error.isWithoutIPv6 || host != "::" {
            throw ListenError(address: Self.text(host, port), cause: NetworkError(error) ?? error)
        }
    }

    /// Runs the server until this service is stopped, and stops it gracefully, even when this task is canceled.
    ///
    /// The server must never be canceled while it accepts: a connection that it accepted and did not yet handle then
    /// ends the process, because NIO requires that somebody finishes each one.
    private func run(_ application: some ApplicationProtocol) async throws {
        var configuration = ServiceGroupConfiguration(services: [application], logger: application.logger)
        // A graceful stop first ends the accepting. After this time, the server cancels the open connections.
        configuration.maximumGracefulShutdownDuration = .seconds(1)
        let group = ServiceGroup(configuration: configuration)
        // A detached task inherits neither the cancellation nor the graceful shutdown of this one.
        let server = Task.detached { try await group.run() }
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await server.value
        } onCancelOrGracefulShutdown: {
            Task { await group.triggerGracefulShutdown() }
        }
    }

    /// An address as `--listen` takes it.
    private static func text(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

extension IOError {
    /// Whether the node has no IPv6, as with the kernel option `ipv6.disable=1`.
    fileprivate var isWithoutIPv6: Bool {
        [Errno.addressFamilyNotSupported, .addressNotAvailable].contains(Errno(rawValue: errnoCode))
    }
}

/// The health server cannot listen on its address.
struct ListenError: CausedError {
    var address: String
    var cause: (any Error)?

    var description: String { "cannot listen on \(address) (--listen)" }
}
