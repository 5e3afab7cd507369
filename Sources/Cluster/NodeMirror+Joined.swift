package import Kubernetes
package import Support

extension NodeMirror {
    /// When the kubelet made the Node known in the boot that began then, without a request; nil when that is not known.
    package func joined(since boot: Timestamp) -> Timestamp? { copy?.joined(since: boot) }
}

extension Node {
    /// When the kubelet made the Node known in this boot; nil when the Node does not say so.
    ///
    /// A new Node has the time of its creation. A Node from before the boot became ready again, unless the boot was so short
    /// that nobody noticed it.
    package func joined(since boot: Timestamp) -> Timestamp? {
        let ready = conditions.first { $0.type == "Ready" && $0.status == "True" }?.lastTransitionTime
        return [metadata.created, ready.flatMap(Timestamp.init)].compactMap(\.self).first {
            $0.milliseconds >= boot.milliseconds
        }
    }
}
