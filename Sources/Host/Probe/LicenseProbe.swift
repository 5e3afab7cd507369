import NodeModel
package import Support

/// Finds the license files of a GRID driver, and tells which of them the agent wrote.
struct LicenseProbe {
    let root: HostRoot

    /// The most files of other programs that are named.
    private static let listLimit = 16

    /// The files; nil when they cannot be read, so that the agent changes nothing about them.
    func read(hasOwnConfiguration: Bool) -> LicenseFiles? {
        do throws(HostError) {
            var files = LicenseFiles()
            if !hasOwnConfiguration, try exists(HostPath(stringLiteral: LicenseFiles.configuration)) {
                files.foreign.append(LicenseFiles.configuration)
            }
            let directory = HostPath(stringLiteral: LicenseFiles.tokenDirectory)
            let own = HostPath(stringLiteral: LicenseFiles.tokenPath)
            files.token = try ownToken(own)
            for name in try names(in: directory) where name.hasSuffix(".tok") {
                let path = try directory.entry(name)
                if path != own || files.token == nil { files.foreign.append(path.text) }
            }
            files.foreign = Array(files.foreign.sorted().prefix(Self.listLimit))
            return files
        } catch { return nil }
    }

    private func exists(_ path: HostPath) throws(HostError) -> Bool { try root.status(path, followLink: false) != nil }

    private func names(in directory: HostPath) throws(HostError) -> [String] {
        try root.isDirectory(directory) ? root.list(directory) ?? [] : []
    }

    /// The checksum of the token, if the agent's own file has this checksum; nil for the token of another program.
    private func ownToken(_ path: HostPath) throws(HostError) -> Checksum? {
        guard try root.status(path, followLink: false)?.kind == .file,
            let record = try root.readOwn(HostPath(stringLiteral: HostLayout.licenseToken), limit: 4096)
        else { return nil }
        guard let token = try root.read(path, limit: LicensePolicy.tokenLimit) else { return nil }
        let digest = Checksum.sha256(of: token)
        let lines = String(decoding: record, as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.contains { $0 == digest.hex } ? digest : nil
    }
}

extension Checksum {
    /// The SHA-256 checksum of these bytes.
    package static func sha256(of bytes: [UInt8]) -> Checksum {
        var digest = RunningDigest(Checksum(.sha256, ""))
        bytes.withUnsafeBytes { digest.update($0) }
        return Checksum(.sha256, digest.hexadecimal)
    }
}
