/// The key with which the agent signs the kernel modules that it builds.
package struct ModuleSigning: Codable, Sendable, Equatable {
    /// The absolute path of the private key on the host, in PEM format.
    package var key: String
    /// The absolute path of the certificate on the host, in DER format.
    package var certificate: String

    package init(key: String, certificate: String) {
        self.key = key
        self.certificate = certificate
    }

    /// Whether a text is an absolute path of a file that means the same on every host: `/root/MOK.priv`.
    package static func isPath(_ text: String) -> Bool {
        let names = text.split(separator: "/", omittingEmptySubsequences: false)
        return text.utf8.count <= 1024 && names.count > 1 && names.first == ""
            && names.dropFirst().allSatisfy { !["", ".", ".."].contains($0) }
            && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
    }
}
