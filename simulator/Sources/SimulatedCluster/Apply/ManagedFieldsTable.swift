/// One entry of an object's `managedFields`.
public struct ManagedFieldsEntry: Sendable, Hashable {
    /// The owner of an entry; the time is not a part of it.
    public struct Owner: Sendable, Hashable {
        public var manager: String
        /// The operation: `Apply` or `Update`.
        public var operation: String
        public var subresource: String?

        public init(manager: String, operation: String, subresource: String? = nil) {
            self.manager = manager
            self.operation = operation
            self.subresource = subresource
        }

        /// The owner in the form of conflict messages, with the API version of the object.
        public func printed(version: String) -> String {
            let name = subresource.map { "\"\(manager)\" with subresource \"\($0)\"" } ?? "\"\(manager)\""
            return operation == "Update" ? "\(name) using \(version)" : name
        }
    }

    public var owner: Owner
    public var time: String
    public var fields: FieldSet
}

/// The `managedFields` of an object: who owns which fields, and since when.
public struct ManagedFieldsTable: Sendable, Equatable {
    public var entries: [ManagedFieldsEntry] = []

    public init() {}

    /// Reads the `managedFields` of an object; as in the real server, a list with one empty entry resets them.
    public init(of object: JSON?) {
        for entry in object?[path: ["metadata", "managedFields"]]?.array ?? [] {
            guard let manager = entry["manager"]?.string, let operation = entry["operation"]?.string else { continue }
            let owner = ManagedFieldsEntry.Owner(
                manager: manager,
                operation: operation,
                subresource: entry["subresource"]?.string
            )
            let fields = FieldSet(json: entry["fieldsV1"] ?? [:])
            entries.append(ManagedFieldsEntry(owner: owner, time: entry["time"]?.string ?? "", fields: fields))
        }
    }

    /// The fields of an owner; setting an empty set removes the entry.
    public subscript(owner: ManagedFieldsEntry.Owner) -> FieldSet {
        get { entries.first { $0.owner == owner }?.fields ?? FieldSet() }
        set {
            let index = entries.firstIndex { $0.owner == owner }
            switch (index, newValue.isEmpty) {
            case (.some(let index), true): entries.remove(at: index)
            case (.some(let index), false): entries[index].fields = newValue
            case (.none, true): break
            case (.none, false): entries.append(ManagedFieldsEntry(owner: owner, time: "", fields: newValue))
            }
        }
    }

    /// Sets the time of one entry.
    public mutating func touch(_ owner: ManagedFieldsEntry.Owner, at time: String) {
        guard let index = entries.firstIndex(where: { $0.owner == owner }) else { return }
        entries[index].time = time
    }

    /// The table in the form of an object: entries of applies first, then sorted by time and name.
    ///
    /// - Parameter version: The API version of the object.
    /// - Returns: The list; nil when it is empty.
    public func json(version: String) -> JSON? {
        guard !entries.isEmpty else { return nil }
        let sorted = entries.sorted { one, other in
            (one.owner.operation, one.time, one.owner.manager, one.owner.subresource ?? "")
                < (other.owner.operation, other.time, other.owner.manager, other.owner.subresource ?? "")
        }
        return .array(
            sorted.map { entry in
                var json: JSON = [
                    "manager": .string(entry.owner.manager),
                    "operation": .string(entry.owner.operation),
                    "apiVersion": .string(version),
                    "time": .string(entry.time),
                    "fieldsType": "FieldsV1",
                    "fieldsV1": entry.fields.json,
                ]
                json["subresource"] = entry.owner.subresource.map(JSON.string)
                return json
            }
        )
    }
}
