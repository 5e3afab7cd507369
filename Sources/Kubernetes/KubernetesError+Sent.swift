import NetworkErrors

extension KubernetesError {
    /// Whether the request may have reached the API server.
    package var isSent: Bool {
        switch self {
        case .notInCluster, .credentials: false
        case .unreachable(_, let cause):
            switch cause as? NetworkError {
            case .connectionRefused, .nameNotResolved, .connectTimedOut, .certificate, .proxyRefused: false
            default: true
            }
        default: true
        }
    }
}
