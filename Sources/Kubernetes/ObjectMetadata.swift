package import FoundationEssentials
package import Support

/// The part of an object's metadata that the agent decides by.
package struct ObjectMetadata: Sendable, Equatable {
    package var name: String
    package var uid: String
    /// Opaque; only good for comparing with itself and for going on with a watch.
    package var resourceVersion: String
    package var labels: [String: String]
    package var annotations: [String: String]
    /// Who set which fields, and when.
    package var managedFields: [ManagedFields]

    package init(
        name: String,
        uid: String = "",
        resourceVersion: String = "",
        labels: [String: String] = [:],
        annotations: [String: String] = [:],
        managedFields: [ManagedFields] = []
    ) {
        self.name = name
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.labels = labels
        self.annotations = annotations
        self.managedFields = managedFields
    }
}

/// One entry of `managedFields`: the fields that one manager set in one way.
package struct ManagedFields: Sendable, Equatable {
    /// How the fields were set.
    package enum Operation: String, Sendable, Decodable {
        /// By server-side apply: the manager has said that it wants these fields.
        case apply = "Apply"
        /// By any other write: the manager changed these fields last.
        case update = "Update"
    }

    package var manager: String
    package var operation: Operation
    /// When the entry last changed; the server keeps whole seconds.
    package var time: Date?
    /// The field set in the form `FieldsV1`: a tree of `f:name` members.
    package var fields: JSONValue
    /// The subresource that the write went through, such as `status`.
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
        case name, uid, resourceVersion, labels, annotations, managedFields
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            name: try container.decodeIfPresent(String.self, forKey: .name) ?? "",
            uid: try container.decodeIfPresent(String.self, forKey: .uid) ?? "",
            resourceVersion: try container.decodeIfPresent(String.self, forKey: .resourceVersion) ?? "",
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
