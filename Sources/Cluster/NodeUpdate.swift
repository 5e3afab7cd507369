import FoundationEssentials
package import Kubernetes
package import NodeModel
package import Reporting
package import Support

/// What has to change on a Node so that it shows a publication.
///
/// Pure: metadata and publication in, changes out.
package struct NodeUpdate: Sendable, Equatable {
    /// What the Node's metadata alone says of the agent's taint.
    package enum TaintKnowledge: Sendable, Equatable {
        case present, absent
        /// Only a look at the whole Node can tell.
        case unknown
    }

    /// The labels to apply; nil when the Node shows them all.
    package var labels: [String: String]?
    /// The agent's labels as the Node has them afterwards.
    package var shown: [String: String]
    /// Labels of others with another value: they are left to their owners.
    package var yielded: Set<String>
    /// The taint's wanted state, when it is not known to be that already.
    package var taint: TaintWish

    /// The name under which the agent's fields are managed.
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

    /// Tells the taint's state without reading the Node's spec.
    ///
    /// The agent changes the taint and its `verdict` label by one patch, so the label says what became of the taint,
    /// unless somebody else wrote the list of taints later.
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
    /// The uid keeps a Node that was deleted meanwhile from being made anew.
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

    /// The patch that puts the agent's taint on or takes it off, and says so in the verdict label; empty when the taint
    /// is as wished.
    ///
    /// A Node's taints are one list that many write, so the patch holds only for the list that was read.
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

    /// The taint that keeps pods from a node whose GPUs do not work yet.
    package static func taint(prefix: String) -> Taint {
        Taint(key: "\(prefix)/not-ready", effect: "NoSchedule")
    }
}

extension TaintWish {
    /// The wish, or `keep` when it is known to be fulfilled.
    fileprivate func without(_ knowledge: NodeUpdate.TaintKnowledge) -> TaintWish {
        switch (self, knowledge) {
        case (.present, .present), (.absent, .absent): .keep
        default: self
        }
    }
}
