import FoundationEssentials
package import Kubernetes
package import NodeModel
package import Reporting
package import Support

/// The changes that make a Node show a publication.
///
/// They depend only on the publication and the Node's metadata.
package struct NodeUpdate: Sendable, Equatable {
    /// What the Node's metadata says about the agent's taint.
    package enum TaintKnowledge: Sendable, Equatable {
        case present, absent
        /// The whole Node must be read.
        case unknown
    }

    /// The labels to apply; nil when the Node already has them.
    package var labels: [String: String]?
    /// The agent's labels on the Node after the change.
    package var shown: [String: String]
    /// The keys of labels that have another owner and another value, which the agent does not change.
    package var yielded: Set<String>
    /// What to do with the taint; `keep` when the taint is known to be right.
    package var taint: TaintWish

    /// The agent's field manager.
    package static let fieldManager = "gpu-agent"

    package init(_ publication: Publication, on metadata: ObjectMetadata, prefix: String) {
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
        taint = publication.taint.without(Self.taintKnowledge(metadata, prefix: prefix))
    }

    /// Finds the state of the taint without reading the Node's spec.
    ///
    /// The agent changes the taint and its `verdict` label by one patch. So the label gives the state of the taint,
    /// unless another manager wrote the list of taints later.
    static func taintKnowledge(_ metadata: ObjectMetadata, prefix: String) -> TaintKnowledge {
        let key = "\(prefix)/verdict"
        guard let text = metadata.labels[key], let verdict = Verdict(rawValue: text),
            let since = metadata.owners(of: ["metadata", "labels", key]).filter({ $0.manager == fieldManager })
                .compactMap(\.since).min()
        else { return .unknown }
        let others = metadata.taintOwners.filter { $0.manager != fieldManager }
        guard others.allSatisfy({ $0.since.map { $0 < since } ?? false }) else { return .unknown }
        return switch TaintWish(verdict) {
        case .present: .present
        case .absent: .absent
        case .keep: .unknown
        }
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

    /// The patch that adds or removes the agent's taint and sets the verdict label; empty when the taint is right.
    ///
    /// Several programs write the list of taints. So the patch first tests that the Node still has the resource version
    /// that was read.
    package static func taintPatch(
        _ wish: TaintWish,
        _ verdict: Verdict,
        on node: Node,
        prefix: String
    ) -> [JSONPatchOperation] {
        let ours = taint(prefix: prefix)
        let index = node.taints.firstIndex { $0.key == ours.key && $0.effect == ours.effect }
        let unchanged = JSONPatchOperation.test(
            ["metadata", "resourceVersion"],
            .string(node.metadata.resourceVersion)
        )
        let key = "\(prefix)/verdict"
        let label: JSONPatchOperation =
            node.metadata.labels.isEmpty
            ? .add(["metadata", "labels"], [key: .string(verdict.rawValue)])
            : .add(["metadata", "labels", key], .string(verdict.rawValue))
        switch (wish, index) {
        case (.present, nil) where node.taints.isEmpty:
            return [unchanged, .add(["spec", "taints"], [ours.json]), label]
        case (.present, nil): return [unchanged, .add(["spec", "taints", "-"], ours.json), label]
        case (.absent, .some(let index)): return [unchanged, .remove(["spec", "taints", String(index)]), label]
        case (.present, .some), (.absent, nil), (.keep, _): return []
        }
    }

    /// The taint that keeps pods away from a node whose GPUs are not ready.
    package static func taint(prefix: String) -> Taint {
        Taint(key: "\(prefix)/not-ready", effect: "NoSchedule")
    }
}

extension TaintWish {
    /// Returns `keep` when the taint already has the wished state, and the wish otherwise.
    fileprivate func without(_ knowledge: NodeUpdate.TaintKnowledge) -> TaintWish {
        switch (self, knowledge) {
        case (.present, .present), (.absent, .absent): .keep
        default: self
        }
    }
}
