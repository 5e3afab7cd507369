package import Kubernetes
package import NodeModel
package import Reporting
package import Support

/// The changes that make a Node show a publication.
///
/// They depend only on the publication and the content of the Node.
package struct NodeUpdate: Sendable, Equatable {
    /// The labels to apply; nil when the Node already has them, and the annotations.
    package var labels: [String: String]?
    /// The annotations to apply in the same request.
    package var annotations: [String: String]
    /// The agent's labels on the Node after the change.
    package var shown: [String: String]
    /// The labels that the agent leaves to their owner, sorted by key.
    package var yielded: [ForeignLabel]
    /// What to do with the taint; `keep` when the taint is right.
    package var taint: TaintWish
    /// The start-up taints of the Node that the agent removes.
    package var startupTaints: [StartupTaint]

    /// The fields whose value differs from the publication, with the field managers that own them.
    package var differing: [Field: [String]]

    /// A field of the Node that the agent writes.
    package enum Field: Sendable, Hashable {
        case label(String)
        case annotation(String)
        case taint
        case startupTaint(StartupTaint)
        case condition(String)

        /// The name of the field for people.
        package func name(prefix: String) -> String {
            switch self {
            case .label(let key): "the label \(key)"
            case .annotation(let key): "the annotation \(key)"
            case .taint: "the taint \(NodeUpdate.taint(prefix: prefix).key)"
            case .startupTaint(let taint): "the start-up taint \(taint)"
            case .condition(let type): "the condition \(type)"
            }
        }
    }

    /// The agent's field manager.
    package static let fieldManager = "gpu-agent"

    /// - Parameters:
    ///   - publication: What the Node should show.
    ///   - node: The Node.
    ///   - prefix: The prefix of the agent's own labels, without the slash.
    ///   - paused: The fields that stay as they are.
    package init(_ publication: Publication, on node: Node, prefix: String, leaving paused: Set<Field> = []) {
        let metadata = node.metadata
        let keys = metadata.labelKeys(ownedBy: Self.fieldManager, operation: .apply)
        let owned = metadata.labels.filter { keys.contains($0.key) }
        let wanted = publication.labelsToApply(owned: owned)
        let yielded = wanted.keys.sorted().compactMap { key -> ForeignLabel? in
            guard let value = wanted[key], let shown = metadata.labels[key], !key.hasPrefix("\(prefix)/") else {
                return nil
            }
            let managers = metadata.others(owning: ["metadata", "labels", key])
            // What has an owner stays on the Node when the agent lets go of it.
            let isTheirs = publication.isSharedName(key) && !managers.isEmpty
            guard isTheirs || (shown != value && !keys.contains(key)) else { return nil }
            return ForeignLabel(key: key, value: shown, wanted: value, managers: managers)
        }
        let left = Set(yielded.map(\.key))
        let applied = wanted.filter { key, value in
            // A paused label that is right stays in the request. Without it, the server would remove the label.
            !left.contains(key) && (metadata.labels[key] == value || !paused.contains(.label(key)))
        }
        let noted = metadata.annotationKeys(ownedBy: Self.fieldManager, operation: .apply)
        let ownedNotes = metadata.annotations.filter { noted.contains($0.key) }
        annotations = publication.annotationsToApply(owned: ownedNotes).filter { key, value in
            metadata.annotations[key] == value || !paused.contains(.annotation(key))
        }
        labels = applied == owned && annotations == ownedNotes ? nil : applied
        shown = applied
        self.yielded = yielded
        let isRight = Self.taintPatch(publication.taint, on: node, prefix: prefix).isEmpty
        taint = isRight || paused.contains(.taint) ? .keep : publication.taint
        startupTaints = publication.startupTaints.filter { taint in
            node.taints.contains(where: taint.matches) && !paused.contains(.startupTaint(taint))
        }
        differing = [:]
        for (key, value) in applied where metadata.labels[key] != value {
            differing[.label(key)] = metadata.others(owning: ["metadata", "labels", key])
        }
        for (key, value) in annotations where metadata.annotations[key] != value {
            differing[.annotation(key)] = metadata.others(owning: ["metadata", "annotations", key])
        }
        let writers = metadata.others(owning: ["spec", "taints"])
        if taint != .keep { differing[.taint] = writers }
        for taint in startupTaints { differing[.startupTaint(taint)] = writers }
    }

    /// What the publication wants for each field, as text.
    package static func wishes(_ publication: Publication) -> [Field: String] {
        var wishes = Dictionary(uniqueKeysWithValues: publication.labels.map { (Field.label($0.key), $0.value) })
        for (key, wish) in publication.annotations { wishes[.annotation(key)] = wish.text }
        if publication.taint != .keep { wishes[.taint] = publication.taint.rawValue }
        for taint in publication.startupTaints { wishes[.startupTaint(taint)] = TaintWish.absent.rawValue }
        return wishes
    }

    /// The body of the apply request.
    ///
    /// It has all labels and annotations, because server-side apply removes the others that the agent owns. With the
    /// UID, the server does not create the Node again when it was deleted meanwhile.
    package static func applyBody(
        _ labels: [String: String],
        _ annotations: [String: String],
        on metadata: ObjectMetadata
    ) -> JSONValue {
        var applied: JSONValue = [
            "name": .string(metadata.name), "uid": .string(metadata.uid), "labels": JSONValue(labels),
        ]
        // With an empty map, the agent would own the annotations as a whole.
        if !annotations.isEmpty { applied["annotations"] = JSONValue(annotations) }
        return ["apiVersion": "v1", "kind": "Node", "metadata": applied]
    }

    /// The patch that adds or removes the agent's taint, and removes start-up taints; empty when the taints are right.
    ///
    /// Several programs write the list of taints. So the patch first tests that the Node still has the resource version
    /// that was read.
    package static func taintPatch(
        _ wish: TaintWish,
        removing startupTaints: [StartupTaint] = [],
        on node: Node,
        prefix: String
    ) -> [JSONPatchOperation] {
        let ours = taint(prefix: prefix)
        let index = node.taints.firstIndex { $0.key == ours.key && $0.effect == ours.effect }
        let unchanged = JSONPatchOperation.test(
            ["metadata", "resourceVersion"],
            .string(node.metadata.resourceVersion)
        )
        let going = node.taints.indices.filter { place in
            place == index ? wish == .absent : startupTaints.contains { $0.matches(node.taints[place]) }
        }
        // Removes the last taint first, because a removal changes the index of every later taint.
        var operations = going.reversed().map { JSONPatchOperation.remove(["spec", "taints", String($0)]) }
        if wish == .present, index == nil {
            let isEmpty = node.taints.isEmpty
            operations.append(
                isEmpty ? .add(["spec", "taints"], [ours.json]) : .add(["spec", "taints", "-"], ours.json)
            )
        }
        return operations.isEmpty ? [] : [unchanged] + operations
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

extension StartupTaint {
    /// Whether a taint of a Node is this one, whatever its value is.
    func matches(_ taint: Taint) -> Bool { taint.key == key && taint.effect == effect.rawValue }
}

extension ObjectMetadata {
    /// The names of the other field managers that own a field, sorted.
    fileprivate func others(owning path: [String]) -> [String] {
        Set(owners(of: path).map(\.manager)).subtracting([NodeUpdate.fieldManager]).sorted()
    }
}
