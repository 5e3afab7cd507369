package import Kubernetes
package import Reporting
package import Support

/// The changes that make a Node show a publication.
///
/// They depend only on the publication and the content of the Node.
package struct NodeUpdate: Sendable, Equatable {
    /// The labels to apply; nil when the Node already has them.
    package var labels: [String: String]?
    /// The agent's labels on the Node after the change.
    package var shown: [String: String]
    /// The keys of labels that have another owner and another value, which the agent does not change.
    package var yielded: Set<String>
    /// What to do with the taint; `keep` when the taint is right.
    package var taint: TaintWish

    /// The agent's field manager.
    package static let fieldManager = "gpu-agent"

    package init(_ publication: Publication, on node: Node, prefix: String) {
        let metadata = node.metadata
        let keys = metadata.labelKeys(ownedBy: Self.fieldManager, operation: .apply)
        let owned = metadata.labels.filter { keys.contains($0.key) }
        let wanted = publication.labelsToApply(owned: owned)
        let yielded = Set(
            wanted.filter { key, value in
                guard let shown = metadata.labels[key], !key.hasPrefix("\(prefix)/") else { return false }
                return shown != value && !keys.contains(key)
            }.keys
        )
        let applied = wanted.filter { !yielded.contains($0.key) }
        labels = applied == owned ? nil : applied
        shown = applied
        self.yielded = yielded
        taint = Self.taintPatch(publication.taint, on: node, prefix: prefix).isEmpty ? .keep : publication.taint
    }

    /// The body of the apply request.
    ///
    /// With the UID, the server does not create the Node again when it was deleted meanwhile.
    package static func applyBody(_ labels: [String: String], on metadata: ObjectMetadata) -> JSONValue {
        [
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": [
                "name": .string(metadata.name),
                "uid": .string(metadata.uid),
                "labels": JSONValue(labels),
            ],
        ]
    }

    /// The patch that adds or removes the agent's taint; empty when the taint is right.
    ///
    /// Several programs write the list of taints. So the patch first tests that the Node still has the resource version
    /// that was read.
    package static func taintPatch(_ wish: TaintWish, on node: Node, prefix: String) -> [JSONPatchOperation] {
        let ours = taint(prefix: prefix)
        let index = node.taints.firstIndex { $0.key == ours.key && $0.effect == ours.effect }
        let unchanged = JSONPatchOperation.test(
            ["metadata", "resourceVersion"],
            .string(node.metadata.resourceVersion)
        )
        switch (wish, index) {
        case (.present, nil) where node.taints.isEmpty: return [unchanged, .add(["spec", "taints"], [ours.json])]
        case (.present, nil): return [unchanged, .add(["spec", "taints", "-"], ours.json)]
        case (.absent, .some(let index)): return [unchanged, .remove(["spec", "taints", String(index)])]
        case (.present, .some), (.absent, nil), (.keep, _): return []
        }
    }

    /// Whether the Node has the agent's taint.
    package static func isTainted(_ node: Node, prefix: String) -> Bool {
        let ours = taint(prefix: prefix)
        return node.taints.contains { $0.key == ours.key && $0.effect == ours.effect }
    }

    /// The taint that keeps pods away from a node whose GPUs are not ready.
    package static func taint(prefix: String) -> Taint {
        Taint(key: "\(prefix)/not-ready", effect: "NoSchedule")
    }
}
