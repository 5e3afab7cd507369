package import Support

/// A file in the agent's directory for packages (`HostLayout.packages`) that stays after an install.
package struct KeptFile: Codable, Sendable, Equatable {
    package var fileName: String
    package var digest: Checksum

    package init(fileName: String, digest: Checksum) {
        self.fileName = fileName
        self.digest = digest
    }
}
