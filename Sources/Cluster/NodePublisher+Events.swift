import FoundationEssentials
import Kubernetes
import Logging
import NodeModel
import Reporting
import Support

extension NodePublisher {
    /// Reports a new verdict as an event of the Node.
    ///
    /// An event that cannot be created does not make the publication fail.
    func report(_ publication: Publication, on metadata: ObjectMetadata) async {
        let isNormal = [.ready, .noGPU, .leftAlone, .installing, .waiting].contains(publication.verdict)
        let event = NodeEvent(
            node: mirror.node,
            nodeUID: metadata.uid,
            reason: publication.verdict.eventReason,
            message: String(publication.message.prefix(1024)),
            severity: isNormal ? .normal : .warning,
            component: "gpu-agent",
            time: Date()
        )
        do throws(KubernetesError) {
            try await mirror.request("event") { client throws(KubernetesError) in try await client.createEvent(event) }
        } catch {
            logger.warning("cannot create the event", metadata: ["error": "\(errorChain(error))"])
        }
    }
}

extension Verdict {
    /// The reason of the event that reports the verdict.
    fileprivate var eventReason: String {
        switch self {
        case .ready: "GPUReady"
        case .installing: "GPUInstalling"
        case .waiting: "GPUWaiting"
        case .degraded: "GPUDegraded"
        case .notReady: "GPUNotReady"
        case .noGPU: "NoGPU"
        case .leftAlone: "GPULeftAlone"
        case .unknown: "GPUUnknown"
        }
    }
}
