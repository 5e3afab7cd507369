import Host
import NodeModel
import Planning
import Support

/// Reads the license token from the agent's own file system, for example from a mounted Secret.
///
/// The token goes from this file to the host and nowhere else.
enum LicenseTokenFile {
    /// What the agent knows about the token; skipped when the configuration names none.
    static func read(_ file: String?) async -> Reading<LicenseToken> {
        guard let file else { return .skipped("no token is configured (license.tokenFile)") }
        return await offPool { content(file).map { LicenseToken(file: file, digest: .sha256(of: $0)) } }
    }

    /// The token that a plan was made for.
    ///
    /// - Throws: The finding when the token cannot be used any more, or when it is another one.
    static func content(_ secret: Effect.Secret) async throws(AgentFailure) -> [UInt8] {
        try await offPool { () throws(AgentFailure) in
            let token = content(secret.source)
            guard let bytes = token.value else {
                let failure = token.failure ?? ReadFailure(.io, "\(secret.source) cannot be read")
                throw AgentFailure(.licenseTokenUnusable(failure))
            }
            guard Checksum.sha256(of: bytes) == secret.digest else {
                let failure = ReadFailure(.io, "\(secret.source) has changed since the agent made the plan")
                throw AgentFailure(.licenseTokenUnusable(failure))
            }
            return bytes
        }
    }

    /// The bytes of the file; unreadable when they cannot be a token.
    private static func content(_ file: String) -> Reading<[UInt8]> {
        guard let path = HostPath(absolute: file) else {
            return .unreadable(ReadFailure(.malformed, "\(file) is not an absolute path"))
        }
        let bytes: [UInt8]?
        do throws(HostError) {
            bytes = try HostRoot("/").read(path, limit: LicensePolicy.tokenLimit)
        } catch { return .unreadable(ReadFailure(error)) }
        guard let bytes else { return .unreadable(ReadFailure(.io, "\(file) does not exist")) }
        let isEmpty = bytes.allSatisfy { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
        return isEmpty ? .unreadable(ReadFailure(.malformed, "\(file) is empty")) : .present(bytes)
    }
}
