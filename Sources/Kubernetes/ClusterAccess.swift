import FoundationEssentials
import NIOPosix

/// The URL of an API server and the credentials for it.
package struct ClusterAccess: Sendable, Equatable {
    /// The source of the bearer token.
    package enum Token: Sendable, Equatable {
        /// A file that is read for every request, because the kubelet replaces a bound token before it expires.
        case file(String)
        /// A fixed token for commands.
        case fixed(String)
    }

    /// `https://host:port`, without a slash at the end.
    package var server: String
    /// A PEM file with the certificate authorities of the server.
    ///
    /// The client trusts no other authorities.
    package var certificateAuthorityFile: String
    package var token: Token

    /// An API server with an explicit URL.
    package init(server: String, certificateAuthorityFile: String, token: Token) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.certificateAuthorityFile = certificateAuthorityFile
        self.token = token
    }

    /// An API server with an explicit URL and a token file.
    package init(server: String, certificateAuthorityFile: String, tokenFile: String) {
        self.init(server: server, certificateAuthorityFile: certificateAuthorityFile, token: .file(tokenFile))
    }

    /// The directory where the kubelet mounts a pod's service account token and the certificate authority.
    package static let serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The API server of the cluster that this pod runs in.
    ///
    /// - Parameters:
    ///   - environment: The pod's environment, with `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
    ///   - directory: The directory where the service account is mounted.
    /// - Returns: The access. This function reads no file.
    /// - Throws: `notInCluster` when a variable is missing or empty.
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
    /// The token for the next request.
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

    /// Reads a small file on the thread pool for blocking calls.
    ///
    /// - Throws: `credentials` when the file cannot be read, `cancelled` when the task is canceled.
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
