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
        return await offPool {
            do throws(TokenError) {
                return .present(LicenseToken(file: file, digest: .sha256(of: try content(file))))
            } catch { return .unreadable(error.failure) }
        }
    }

    /// The token that a plan was made for.
    ///
    /// - Throws: The finding when the token cannot be used any more, or when it is another one.
    static func content(_ secret: Effect.Secret) async throws(AgentFailure) -> [UInt8] {
        try await offPool { () throws(AgentFailure) in
            let bytes: [UInt8]
            do throws(TokenError) { bytes = try content(secret.source) } catch {
                throw AgentFailure(.licenseTokenUnusable(error.failure))
            }
            guard Checksum.sha256(of: bytes) == secret.digest else {
                let failure = ReadFailure(.io, "\(secret.source) has changed since the agent made the plan")
                throw AgentFailure(.licenseTokenUnusable(failure))
            }
            return bytes
        }
    }

    private static func content(_ file: String) throws(TokenError) -> [UInt8] {
        guard let path = HostPath(absolute: file) else {
            throw TokenError(failure: ReadFailure(.malformed, "\(file) is not an absolute path"))
        }
        let bytes: [UInt8]?
        do throws(HostError) {
            bytes = try HostRoot("/").read(path, limit: LicensePolicy.tokenLimit)
        } catch { throw TokenError(failure: ReadFailure(error)) }
        guard let bytes else { throw TokenError(failure: ReadFailure(.io, "\(file) does not exist")) }
        let isEmpty = bytes.allSatisfy { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
        guard !isEmpty else { throw TokenError(failure: ReadFailure(.malformed, "\(file) is empty")) }
        return bytes
    }

    private struct TokenError: Error {
        var failure: ReadFailure
    }
}
