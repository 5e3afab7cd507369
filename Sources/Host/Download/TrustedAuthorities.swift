import NIOSSL
package import NetworkErrors

/// Certificate authorities that a download trusts in addition to those of the system.
package struct TrustedAuthorities: Sendable {
    let certificates: [NIOSSLCertificate]

    /// Reads certificates in PEM format.
    ///
    /// - Throws: `tls` when the text has no certificate, or one that cannot be read.
    package init(pem: [UInt8]) throws(NetworkError) {
        do { certificates = try NIOSSLCertificate.fromPEMBytes(pem) } catch {
            throw NetworkError(error) ?? .tls("\(error)")
        }
        guard !certificates.isEmpty else { throw .tls("the file has no certificate in PEM format") }
    }
}
