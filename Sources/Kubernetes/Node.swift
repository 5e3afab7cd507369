package import Support

/// The parts of a Node that the agent reads.
package struct Node: Sendable, Equatable {
    package var metadata: ObjectMetadata
    package var taints: [Taint]
    /// Whether the node is cordoned.
    package var unschedulable: Bool
    /// The conditions in the status, of all their writers.
    package var conditions: [NodeCondition]

    package init(
        metadata: ObjectMetadata,
        taints: [Taint] = [],
        unschedulable: Bool = false,
        conditions: [NodeCondition] = []
    ) {
        self.metadata = metadata
        self.taints = taints
        self.unschedulable = unschedulable
        self.conditions = conditions
    }
}

/// An element of a Node's `spec.taints`, of any owner.
package struct Taint: Sendable, Hashable {
    package var key: String
    package var value: String
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; a string, so that an effect of a later version is kept.
    package var effect: String
    /// The time when a `NoExecute` taint was added, as the server formats it.
    package var timeAdded: String?

    package init(key: String, value: String = "", effect: String, timeAdded: String? = nil) {
        self.key = key
        self.value = value
        self.effect = effect
        self.timeAdded = timeAdded
    }

    /// The taint as an element of a Node's `spec.taints`, for patches.
    package var json: JSONValue {
        var json: JSONValue = ["key": .string(key), "effect": .string(effect)]
        if !value.isEmpty { json["value"] = .string(value) }
        json["timeAdded"] = timeAdded.map(JSONValue.string)
        return json
    }
}

extension Node: Decodable {
    private enum Key: String, CodingKey { case metadata, spec, status }
    private enum SpecKey: String, CodingKey { case taints, unschedulable }
    private struct Status: Decodable { var conditions: [NodeCondition]? }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let metadata = try container.decode(ObjectMetadata.self, forKey: .metadata)
        let conditions = try container.decodeIfPresent(Status.self, forKey: .status)?.conditions ?? []
        guard container.contains(.spec) else {
            self.init(metadata: metadata, conditions: conditions)
            return
        }
        let spec = try container.nestedContainer(keyedBy: SpecKey.self, forKey: .spec)
        self.init(
            metadata: metadata,
            taints: try spec.decodeIfPresent([Taint].self, forKey: .taints) ?? [],
            unschedulable: try spec.decodeIfPresent(Bool.self, forKey: .unschedulable) ?? false,
            conditions: conditions
        )
    }
}

extension Taint: Decodable {
    private enum Key: String, CodingKey { case key, value, effect, timeAdded }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            key: try container.decode(String.self, forKey: .key),
            value: try container.decodeIfPresent(String.self, forKey: .value) ?? "",
            effect: try container.decode(String.self, forKey: .effect),
            timeAdded: try container.decodeIfPresent(String.self, forKey: .timeAdded)
        )
    }
}
