package import FoundationEssentials
import Support

/// A field manager that owns a field.
package struct FieldOwner: Sendable, Equatable {
    package var manager: String
    package var operation: ManagedFields.Operation
    package var subresource: String?
    /// The time when the manager's entry last changed; it has owned the field at least since then.
    package var since: Date?

    package init(manager: String, operation: ManagedFields.Operation, subresource: String? = nil, since: Date? = nil) {
        self.manager = manager
        self.operation = operation
        self.subresource = subresource
        self.since = since
    }
}

extension ObjectMetadata {
    /// The label keys that a manager owns.
    ///
    /// - Parameters:
    ///   - manager: The field manager's name.
    ///   - operation: The operation that set the fields; nil for both.
    /// - Returns: The keys; empty when the manager owns none.
    package func labelKeys(ownedBy manager: String, operation: ManagedFields.Operation? = nil) -> Set<String> {
        keys(of: "labels", ownedBy: manager, operation)
    }

    /// The keys of the annotations that a manager owns, in the same way.
    package func annotationKeys(ownedBy manager: String, operation: ManagedFields.Operation? = nil) -> Set<String> {
        keys(of: "annotations", ownedBy: manager, operation)
    }

    private func keys(
        of map: String,
        ownedBy manager: String,
        _ operation: ManagedFields.Operation?
    ) -> Set<String> {
        var keys: Set<String> = []
        for entry in managedFields where entry.manager == manager && (operation ?? entry.operation) == entry.operation {
            let members = entry.fields[path: ["f:metadata", "f:\(map)"]]?.object ?? [:]
            keys.formUnion(members.keys.filter { $0.hasPrefix("f:") }.map { String($0.dropFirst(2)) })
        }
        return keys
    }

    /// The types of the Node's conditions that a manager owns.
    ///
    /// - Parameters:
    ///   - manager: The field manager's name.
    ///   - operation: The operation that set the fields; nil for both.
    /// - Returns: The types; empty when the manager owns none.
    package func conditionTypes(ownedBy manager: String, operation: ManagedFields.Operation? = nil) -> Set<String> {
        let entries = managedFields.filter {
            $0.manager == manager && (operation ?? $0.operation) == $0.operation
        }
        return Set(entries.flatMap { $0.conditionKeys.keys })
    }

    /// The names of the managers that own the status of a condition, sorted.
    package func managers(ofCondition type: String) -> [String] {
        let entries = managedFields.filter { entry in
            entry.conditionKeys[type].flatMap { entry.fields[path: ["f:status", "f:conditions", $0, "f:status"]] }
                != nil
        }
        return Set(entries.map(\.manager)).sorted()
    }

    /// The owners of the list of taints.
    ///
    /// The list is a single field, so its owner owns all taints.
    package var taintOwners: [FieldOwner] { owners(of: ["spec", "taints"]) }

    /// The owners of a field or of a field below it.
    ///
    /// - Parameter path: The field names from the root, such as `["metadata", "labels", "example.com/key"]`.
    /// - Returns: The owners, in the order of `managedFields`.
    package func owners(of path: [String]) -> [FieldOwner] {
        managedFields.compactMap { entry in
            guard entry.fields[path: path.map { "f:" + $0 }] != nil else { return nil }
            return FieldOwner(
                manager: entry.manager,
                operation: entry.operation,
                subresource: entry.subresource,
                since: entry.time
            )
        }
    }
}

extension ManagedFields {
    /// The conditions that the entry has fields of: their types, and the names of their members in `FieldsV1`.
    ///
    /// An element of the list is named by its key: `k:{"type":"Ready"}`.
    fileprivate var conditionKeys: [String: String] {
        let members = fields[path: ["f:status", "f:conditions"]]?.object ?? [:]
        let pairs = members.keys.compactMap { member -> (String, String)? in
            guard member.hasPrefix("k:"), let key = try? JSONValue(parsing: Data(member.dropFirst(2).utf8)) else {
                return nil
            }
            return key["type"]?.string.map { ($0, member) }
        }
        return Dictionary(pairs) { first, _ in first }
    }
}
