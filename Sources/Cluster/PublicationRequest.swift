import Kubernetes
import Support

/// A request of a publication, with the verb that the rights and the policies of a cluster use.
enum PublicationRequest: String {
    case read = "cannot get the Node"
    case patch = "cannot patch the taints of the Node"
    case apply = "cannot apply the labels of the Node"

    /// The error with its causes, and with the request when the API server's sentence may not name it.
    func text(of error: KubernetesError) -> String {
        (error.isOfServer ? "\(rawValue): " : "") + errorChain(error)
    }
}
