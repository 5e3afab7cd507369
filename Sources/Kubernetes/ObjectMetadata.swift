package import FoundationEssentials
package import Support

/// The part of an object's metadata that the agent uses.
package struct ObjectMetadata: Sendable, Equatable {
    package var name: String
    package var uid: String
    /// An opaque string, which can only be compared for equality or start a watch.
    package var resourceVersion: String
    /// When the server made the object, in whole seconds; nil when it does not say so.
    package var created: Timestamp?
    package var labels: [String: String]
    package var annotations: [String: String]
    /// Which field manager set which fields, and when.
    package var managedFields: [ManagedFields]

    package init(
        name: String,
        uid: String = "",
        resourceVersion: String = "",
        created: Timestamp? = nil,
        labels: [String: String] = [:],
        annotations: [String: String] = [:],
        managedFields: [ManagedFields] = []
    ) {
        self.name = name
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.created = created
        self.labels = labels
        self.annotations = annotations
        self.managedFields = managedFields
    }
}

/// One entry of `managedFields`: the fields that one field manager set by one operation.
package struct ManagedFields: Sendable, Equatable {
    /// The operation that set the fields.
    package enum Operation: String, Sendable, Decodable {
        /// Server-side apply: the manager declared these fields.
        case apply = "Apply"
        /// Any other write: the manager was the last to change these fields.
        case update = "Update"
    }

    package var manager: String
    package var operation: Operation
    /// The time when the entry last changed, in whole seconds.
    package var time: Date?
    /// The fields in the format `FieldsV1`: a tree of `f:name` members.
    package var fields: JSONValue
    /// The subresource through which the manager wrote, such as `status`.
    package var subresource: String?

    package init(
        manager: String,
        operation: Operation,
        time: Date? = nil,
        fields: JSONValue,
        subresource: String? = nil
    ) {
        self.manager = manager
        self.operation = operation
        self.time = time
        self.fields = fields
        self.subresource = subresource
    }
}

extension ObjectMetadata: Decodable {
    private enum Key: String, CodingKey {
        case name, uid, resourceVersion, creationTimestamp, labels, annotations, managedFields
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            name: try container.decodeIfPresent(String.self, forKey: .name) ?? "",
            uid: try container.decodeIfPresent(String.self, forKey: .uid) ?? "",
            resourceVersion: try container.decodeIfPresent(String.self, forKey: .resourceVersion) ?? "",
            created: (try container.decodeIfPresent(String.self, forKey: .creationTimestamp)).flatMap(Timestamp.init),
            labels: try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:],
            annotations: try container.decodeIfPresent([String: String].self, forKey: .annotations) ?? [:],
            managedFields: try container.decodeIfPresent([ManagedFields].self, forKey: .managedFields) ?? []
        )
    }
}

extension ManagedFields: Decodable {
    private enum Key: String, CodingKey {
        case manager, operation, time, fieldsV1, subresource
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let time = try container.decodeIfPresent(String.self, forKey: .time)
        self.init(
            manager: try container.decodeIfPresent(String.self, forKey: .manager) ?? "",
            operation: try container.decode(Operation.self, forKey: .operation),
            time: time.flatMap { try? Date($0, strategy: .iso8601) },
            fields: try container.decodeIfPresent(JSONValue.self, forKey: .fieldsV1) ?? [:],
            subresource: try container.decodeIfPresent(String.self, forKey: .subresource)
        )
    }
}
