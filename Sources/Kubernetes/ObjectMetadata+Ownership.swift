package import FoundationEssentials
import Support

/// A manager of a field.
package struct FieldOwner: Sendable, Equatable {
    package var manager: String
    package var operation: ManagedFields.Operation
    package var subresource: String?
    /// When the manager's entry last changed: not later than that it has owned the field.
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
    ///   - operation: Count only fields set in this way; nil counts both.
    /// - Returns: The keys; empty when the manager owns none.
    package func labelKeys(ownedBy manager: String, operation: ManagedFields.Operation? = nil) -> Set<String> {
        var keys: Set<String> = []
        for entry in managedFields where entry.manager == manager && (operation ?? entry.operation) == entry.operation {
            let members = entry.fields[path: ["f:metadata", "f:labels"]]?.object ?? [:]
            keys.formUnion(members.keys.filter { $0.hasPrefix("f:") }.map { String($0.dropFirst(2)) })
        }
        return keys
    }

    /// Who owns the list of taints; it is one field, so whoever owns it owns all of them.
    package var taintOwners: [FieldOwner] { owners(of: ["spec", "taints"]) }

    /// Who owns a field, or anything below it.
    ///
    /// - Parameter path: Field names from the top, such as `["metadata", "labels", "example.com/key"]`.
    /// - Returns: The owners, in the order of the object's entries.
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
