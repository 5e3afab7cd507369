import Kubernetes
import NodeModel
import Support

extension NodeMirror {
    /// What an inspection takes from the Node.
    ///
    /// An answer to a write can bring a change of another client, which no event of the watch tells of then: the event has
    /// nothing new for the mirror. So the publisher compares these before and after an attempt.
    struct Inputs: Sendable, Equatable {
        var owners: Reading<[String: String]>
        /// They stay when the copy of the Node is dropped, so that a second read of the same Node changes nothing.
        var devices: OfferedDevices?
        var mig: MIGRequest?
    }

    /// The current inputs, without a request.
    var inputs: Inputs { Inputs(owners: knownOwners.current, devices: lastDevices, mig: lastMIG) }
}

extension Node {
    var devices: OfferedDevices { OfferedDevices(labels: metadata.labels, quantities: allocatable) }
}

extension ObjectMetadata {
    var ownerLabels: [String: String] {
        labels.filter { ClaimFacts.ownerLabels.contains($0.key) }
            .merging(annotations.filter { OperatorLabel.annotations.contains($0.key) }) { label, _ in label }
    }
}

extension ReadFailure {
    init(_ error: KubernetesError) {
        let reason: Reason =
            switch error {
            case .unauthorized, .forbidden: .permission
            case .timedOut: .hang
            case .malformed: .malformed
            default: .io
            }
        self.init(reason, errorChain(error))
    }
}
