import NIOSSL
package import NodeModel

/// Reads whether the configured key can sign kernel modules, and whether the machine trusts its certificate.
package enum SigningKeyProbe {
    /// The key, or why it cannot be used; skipped when none is configured.
    package static func read(_ root: HostRoot, _ files: ModuleSigning?) async -> Reading<SigningKey> {
        guard let files else { return .skipped("no key is configured (driver.signing)") }
        return await offPool { key(root, files) }
    }

    private static func key(_ root: HostRoot, _ files: ModuleSigning) -> Reading<SigningKey> {
        if let failure = problem(root, files.key, forbidden: 0o077) { return .unreadable(failure) }
        if let failure = problem(root, files.certificate, forbidden: 0o022) { return .unreadable(failure) }
        return content(root, files.certificate).flatMap { (certificate: [UInt8]) in
            guard isDER(certificate) else {
                return .unreadable(
                    ReadFailure(
                        .malformed,
                        "\(files.certificate) is not a certificate in DER format (openssl x509 -outform DER converts it)"
                    )
                )
            }
            if let failure = content(root, files.key).flatMap({ isPair($0, certificate, files) }).failure {
                return .unreadable(failure)
            }
            let enrolled = ownerKeys(root)
            if let failure = enrolled.failure { return .unreadable(failure) }
            let isEnrolled = enrolled.value?.contains { $0.elementsEqual(certificate) } ?? false
            return .present(SigningKey(files: files, isEnrolled: isEnrolled))
        }
    }

    private static func content(_ root: HostRoot, _ path: String) -> Reading<[UInt8]> {
        reading { () throws(HostError) in
            guard let path = HostPath(absolute: path) else { return nil }
            return try root.read(path, limit: 64 << 10)
        }
    }

    /// Whether the key is that of the certificate, which the kernel finds out only after the build.
    ///
    /// BoringSSL compares the two when they become the identity of a server.
    private static func isPair(_ key: [UInt8], _ certificate: [UInt8], _ files: ModuleSigning) -> Reading<Bool> {
        let owner: NIOSSLCertificate
        do { owner = try NIOSSLCertificate(bytes: certificate, format: .der) } catch {
            return .unreadable(ReadFailure(.malformed, "\(files.certificate) is not an X.509 certificate"))
        }
        let secret: NIOSSLPrivateKey
        do { secret = try NIOSSLPrivateKey(bytes: key, format: .pem) } catch {
            let detail = "\(files.key) is not a private key in PEM format without a passphrase"
            return .unreadable(ReadFailure(.malformed, detail))
        }
        let identity = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(owner)],
            privateKey: .privateKey(secret)
        )
        do { _ = try NIOSSLContext(configuration: identity) } catch {
            let pair = "the private key \(files.key) does not belong to the certificate \(files.certificate)"
            let detail = "\(pair), or the agent does not know this kind of key"
            return .unreadable(ReadFailure(.malformed, detail))
        }
        return .present(true)
    }

    /// What is wrong with a file; nil when it is a file of root with none of the forbidden permissions.
    private static func problem(_ root: HostRoot, _ path: String, forbidden: UInt32) -> ReadFailure? {
        let status = reading { () throws(HostError) -> FileStatus? in
            guard let path = HostPath(absolute: path) else { return nil }
            return try root.status(path, followLink: false).map(FileStatus.init)
        }
        switch status {
        case .present(let file):
            if !file.isRegular { return ReadFailure(.io, "\(path) is not a regular file") }
            if file.owner != 0 { return ReadFailure(.permission, "\(path) does not belong to root") }
            let more = file.mode & forbidden
            return more == 0
                ? nil : ReadFailure(.permission, "\(path) has the mode 0\(String(file.mode, radix: 8)), too open")
        case .absent, .absentBecause: return ReadFailure(.io, "\(path) does not exist")
        case .unreadable(let failure): return failure
        case .skipped(let why): return ReadFailure(.io, why)
        }
    }

    /// The part of the attributes that matters, which a reading can contain.
    private struct FileStatus: Codable, Sendable, Equatable {
        var isRegular: Bool
        var owner: UInt32
        var mode: UInt32

        init(_ status: HostFileStatus) {
            (isRegular, owner, mode) = (status.kind == .file, status.owner, status.mode)
        }
    }

    /// Whether the bytes are exactly one DER sequence with a length of two bytes, as every X.509 certificate is.
    static func isDER(_ bytes: [UInt8]) -> Bool {
        bytes.count > 4 && bytes[0] == 0x30 && bytes[1] == 0x82
            && Int(bytes[2]) << 8 | Int(bytes[3]) == bytes.count - 4
    }

    /// The certificates of the machine owner; absent when the machine has no shim.
    ///
    /// The kernel has a copy of the variable. Kernels before 5.10 have only the variable, with 4 bytes of attributes
    /// before the lists. The firmware's `db` does not count, because kernels do not trust it for modules.
    private static func ownerKeys(_ root: HostRoot) -> Reading<[[UInt8]]> {
        let copy = list(root, "/sys/firmware/efi/mok-variables/MokListRT", attributes: 0)
        guard copy.isAbsent else { return copy }
        let name = "MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23"
        return list(root, HostPath("/sys/firmware/efi/efivars").appending(name), attributes: 4)
    }

    private static func list(_ root: HostRoot, _ path: HostPath, attributes: Int) -> Reading<[[UInt8]]> {
        let content = reading { () throws(HostError) in try root.read(path, limit: 1 << 20) }
        return content.flatMap { (bytes: [UInt8]) in
            guard bytes.count >= attributes,
                let certificates = EFISignatureList.certificates(Array(bytes.dropFirst(attributes)))
            else { return .unreadable(ReadFailure(.malformed, "\(path) is not a list of certificates")) }
            return .present(certificates.map(Array.init))
        }
    }
}
