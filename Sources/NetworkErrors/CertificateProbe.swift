import FoundationEssentials
import NIOCore
import NIOPosix
import NIOSSL
import Support

/// Finds out why the certificate of a server was rejected.
///
/// BoringSSL's error does not say whether a certificate has expired or nobody trusted has signed it. The probe makes
/// another connection, takes the certificates out of the TLS handshake, and ends the handshake there: it never trusts
/// the server and sends it no data.
enum CertificateProbe {
    private static let limit = TimeAmount.seconds(5)

    /// What is wrong with the server's certificate; nil when the server does not show it within five seconds.
    static func fault(of host: String, port: Int) async -> CertificateFault? {
        let shown = FirstAnswer<[NIOSSLCertificate]>()
        guard let context = try? NIOSSLContext(configuration: .makeClientConfiguration()) else { return nil }
        let isAddress = (try? SocketAddress(ipAddress: host, port: port)) != nil
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(limit)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(
                        context: context,
                        serverHostname: isAddress ? nil : host,
                        customVerificationCallback: { certificates, promise in
                            shown.give(certificates)
                            promise.succeed(.failed)
                        }
                    )
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        guard let channel = try? await bootstrap.connect(host: host, port: port).get() else { return nil }
        let certificates = await shown.answer(
            within: .nanoseconds(limit.nanoseconds),
            otherwise: [],
            whenCancelled: []
        )
        try? await channel.close()
        return certificates.isEmpty ? nil : fault(in: certificates, at: Date().timeIntervalSince1970)
    }

    /// The fault of a chain of certificates, the server's own first; the time is in seconds since 1970.
    private static func fault(in certificates: [NIOSSLCertificate], at now: Double) -> CertificateFault {
        if let expired = certificates.first(where: { Double($0.notValidAfter) < now }) {
            return .expired(text(expired.notValidAfter))
        }
        if let early = certificates.first(where: { Double($0.notValidBefore) > now }) {
            return .notYetValid(text(early.notValidBefore))
        }
        return .unknownAuthority
    }

    private static func text(_ seconds: Int) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }
}
