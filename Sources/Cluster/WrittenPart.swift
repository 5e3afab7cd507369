import Kubernetes
import Reporting

/// The part of a Node that the agent writes to.
///
/// It includes the labels and the taints of other owners, but not their annotations and conditions: the kubelet and other
/// programs write some of them every few minutes. When another owner removes a label, the agent can set it again. The
/// UID tells a Node that was deleted and created again from its predecessor.
struct WrittenPart: Equatable {
    var uid: String
    var labels: [String: String]
    var annotations: [String: String]
    var taints: [Taint]
    var conditions: [NodeCondition]

    /// - Parameters:
    ///   - node: The Node.
    ///   - types: The types of the agent's conditions.
    ///   - prefix: The prefix of the agent's own labels, without the slash.
    init(_ node: Node, _ types: Set<String>, prefix: String) {
        (uid, labels, taints) = (node.metadata.uid, node.metadata.labels, node.taints)
        let keys = OwnAnnotation.allCases.map { $0.key(prefix: prefix) }
        annotations = node.metadata.annotations.filter { keys.contains($0.key) }
        conditions = node.conditions.filter { types.contains($0.type) }
    }
}
