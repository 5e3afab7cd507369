package import Support

/// The parts of a Node that the agent reads.
package struct Node: Sendable, Equatable {
    package var metadata: ObjectMetadata
    package var taints: [Taint]
    /// Whether the node is cordoned.
    package var unschedulable: Bool
    /// The conditions in the status, of all their writers.
    package var conditions: [NodeCondition]
    /// What pods can ask for, in `status.allocatable`: quantities by the name of the resource, as the server formats them.
    package var allocatable: [String: String]

    package init(
        metadata: ObjectMetadata,
        taints: [Taint] = [],
        unschedulable: Bool = false,
        conditions: [NodeCondition] = [],
        allocatable: [String: String] = [:]
    ) {
        self.metadata = metadata
        self.taints = taints
        self.unschedulable = unschedulable
        self.conditions = conditions
        self.allocatable = allocatable
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
    private struct Status: Decodable {
        var conditions: [NodeCondition]?
        /// A quantity is a string, and the API also accepts a number in its place.
        var allocatable: [String: JSONValue]?

        var quantities: [String: String] {
            (allocatable ?? [:]).compactMapValues { value in
                switch value {
                case .string(let text): text
                case .int(let number): "\(number)"
                case .null, .bool, .double, .array, .object: nil
                }
            }
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let metadata = try container.decode(ObjectMetadata.self, forKey: .metadata)
        let status = try container.decodeIfPresent(Status.self, forKey: .status)
        let (conditions, quantities) = (status?.conditions ?? [], status?.quantities ?? [:])
        guard container.contains(.spec) else {
            self.init(metadata: metadata, conditions: conditions, allocatable: quantities)
            return
        }
        let spec = try container.nestedContainer(keyedBy: SpecKey.self, forKey: .spec)
        self.init(
            metadata: metadata,
            taints: try spec.decodeIfPresent([Taint].self, forKey: .taints) ?? [],
            unschedulable: try spec.decodeIfPresent(Bool.self, forKey: .unschedulable) ?? false,
            conditions: conditions,
            allocatable: quantities
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
