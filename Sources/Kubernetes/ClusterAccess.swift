import FoundationEssentials
import NIOPosix

/// How to reach an API server, and as whom.
package struct ClusterAccess: Sendable, Equatable {
    /// Where the bearer token comes from.
    package enum Token: Sendable, Equatable {
        /// A file, read again for every request: the kubelet replaces a bound token before it expires.
        case file(String)
        /// A fixed token, for a command line.
        case fixed(String)
    }

    /// `https://host:port`, without a slash at the end.
    package var server: String
    /// A PEM file with the authorities that may sign the server's certificate.
    ///
    /// No others are trusted.
    package var certificateAuthorityFile: String
    package var token: Token

    /// An API server that is named explicitly.
    package init(server: String, certificateAuthorityFile: String, token: Token) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.certificateAuthorityFile = certificateAuthorityFile
        self.token = token
    }

    /// An API server that is named explicitly, with the token in a file.
    package init(server: String, certificateAuthorityFile: String, tokenFile: String) {
        self.init(server: server, certificateAuthorityFile: certificateAuthorityFile, token: .file(tokenFile))
    }

    /// Where the kubelet mounts the token and the authority of a pod's service account.
    package static let serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The API server of the cluster that this pod runs in.
    ///
    /// - Parameters:
    ///   - environment: The pod's environment, with `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
    ///   - directory: Where the service account is mounted.
    /// - Returns: The access; no file is read yet.
    /// - Throws: `notInCluster` when a variable is missing.
    package static func inCluster(
        environment: [String: String],
        directory: String = serviceAccountDirectory
    ) throws(KubernetesError) -> ClusterAccess {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty else {
            throw .notInCluster(missing: "KUBERNETES_SERVICE_HOST")
        }
        guard let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty else {
            throw .notInCluster(missing: "KUBERNETES_SERVICE_PORT")
        }
        return ClusterAccess(
            server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)",
            certificateAuthorityFile: directory + "/ca.crt",
            tokenFile: directory + "/token"
        )
    }
}

extension ClusterAccess {
    /// The token to send now.
    ///
    /// - Throws: `credentials` when the file cannot be read or is empty.
    func currentToken() async throws(KubernetesError) -> String {
        switch token {
        case .fixed(let value): return value
        case .file(let path):
            let text = String(decoding: try await Self.contents(of: path), as: UTF8.self)
            let value = text.drop(while: \.isWhitespace).prefix { !$0.isWhitespace }
            guard !value.isEmpty else { throw .credentials(path: path, cause: nil) }
            return String(value)
        }
    }

    /// The bytes of a small file, read on the thread pool for blocking calls.
    static func contents(of path: String) async throws(KubernetesError) -> Data {
        do {
            return try await NIOThreadPool.singleton.runIfActive { try Data(contentsOf: URL(filePath: path)) }
        } catch is CancellationError {
            throw .cancelled(subject: "reading \(path)")
        } catch {
            throw .credentials(path: path, cause: error)
        }
    }
}
