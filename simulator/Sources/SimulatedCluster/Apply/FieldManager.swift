/// Updates the `managedFields` of an object after each write, with the rules of the real server.
///
/// The rules are those of kubernetes-sigs/structured-merge-diff (`merge/update.go`) and of the server's
/// `managedfields` package.
public struct FieldManager: Sendable {
    public let resource: Resource
    /// The part of the object that this endpoint cannot change: `status`, or `spec` for the status subresource.
    public let untouched: String
    /// The time for new and changed entries.
    public let time: String

    public init(resource: Resource, untouched: String, time: String) {
        self.resource = resource
        self.untouched = untouched
        self.time = time
    }

    /// Computes the result of a write that is not an apply.
    ///
    /// Afterwards, only the writer owns the changed fields.
    ///
    /// - Parameters:
    ///   - live: The object before; nil when it is created.
    ///   - new: The object after.
    ///   - owner: The writer.
    /// - Returns: The new object with its new `managedFields`.
    public func update(live: JSON?, new: JSON, by owner: ManagedFieldsEntry.Owner) -> JSON {
        let base = live ?? resource.blank
        let comparison = compare(base, new)
        // A client can replace `managedFields`, and reset it with one empty entry. Without it, the table stays as it
        // is.
        let written = new[path: ["metadata", "managedFields"]]?.array ?? []
        var table = ManagedFieldsTable(of: written.isEmpty ? live : new)
        take(comparison, from: &table, for: owner)
        let before = table[owner]
        let changed = comparison.added.union(comparison.modified)
        table[owner] = before.subtracting(comparison.removed).union(owned(changed))
        if !owned(changed).isEmpty { table.touch(owner, at: time) }
        return with(table, in: new)
    }

    /// Computes the result of a server-side apply.
    ///
    /// - Parameters:
    ///   - live: The object before; nil when it is created.
    ///   - applied: The applied object.
    ///   - owner: The field manager.
    ///   - force: Whether to take fields from other field managers.
    /// - Returns: The merged object with its new `managedFields`.
    /// - Throws: A conflict with the fields that other field managers own.
    public func apply(
        live: JSON?,
        applied: JSON,
        by owner: ManagedFieldsEntry.Owner,
        force: Bool
    ) throws(APIFailure) -> JSON {
        let base = live ?? resource.blank
        var table = ManagedFieldsTable(of: live)
        let last = table[owner]
        let wanted = owned(schema.fields(of: applied))
        table[owner] = wanted
        let new = pruned(schema.merge(base, applied), of: last, keeping: table)
        let comparison = compare(base, new)
        if !force {
            let conflicts = conflicts(comparison, in: table, for: owner)
            guard conflicts.isEmpty else { throw .applyConflict(conflicts, version: resource.groupVersion) }
        }
        take(comparison, from: &table, for: owner)
        if !comparison.isSame || wanted != last { table.touch(owner, at: time) }
        return with(table, in: new)
    }
}

extension FieldManager {
    private var schema: FieldSchema { resource.schema }

    /// The fields without an owner: those of the identity of the object, and those that the server sets.
    private static let unowned: FieldSet = {
        var set = FieldSet()
        set.insert(["f:apiVersion"])
        set.insert(["f:kind"])
        let members = [
            "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "selfLink", "generation",
            "managedFields", "generateName",
        ]
        for member in members { set.insert(["f:metadata", "f:" + member]) }
        return set
    }()

    private func owned(_ fields: FieldSet) -> FieldSet {
        var rest = fields.subtractingTrees(of: Self.unowned)
        rest.children["f:" + untouched] = nil
        rest.children["f:metadata"]?.isMember = false
        if rest.children["f:metadata"]?.isEmpty == true { rest.children["f:metadata"] = nil }
        return rest
    }

    private func compare(_ old: JSON, _ new: JSON) -> FieldComparison {
        var comparison = schema.compare(old, new)
        comparison.added = owned(comparison.added)
        comparison.modified = owned(comparison.modified)
        comparison.removed = owned(comparison.removed)
        return comparison
    }

    /// Removes the fields that the field manager no longer applies and that no other field manager owns.
    private func pruned(_ merged: JSON, of last: FieldSet, keeping table: ManagedFieldsTable) -> JSON {
        let kept = table.entries.reduce(FieldSet()) { $0.union($1.fields) }
        var going = FieldSet()
        for path in last.paths where !path.isEmpty {
            // A container stays as long as a field manager owns a field in it.
            if kept.subtree(path).isEmpty { going.insert(path) }
        }
        return schema.remove(going, from: merged) ?? merged
    }

    private func conflicts(
        _ comparison: FieldComparison,
        in table: ManagedFieldsTable,
        for owner: ManagedFieldsEntry.Owner
    ) -> [(owner: ManagedFieldsEntry.Owner, path: [String])] {
        let changed = comparison.modified.union(comparison.added)
        return table.entries.filter { $0.owner != owner }.flatMap { entry in
            entry.fields.intersection(changed).paths.map { (entry.owner, $0) }
        }
    }

    /// Removes the changed and removed fields from all field managers except the writer.
    private func take(
        _ comparison: FieldComparison,
        from table: inout ManagedFieldsTable,
        for owner: ManagedFieldsEntry.Owner
    ) {
        let changed = comparison.modified.union(comparison.added)
        for entry in table.entries where entry.owner != owner {
            table[entry.owner] = entry.fields.subtracting(changed).subtractingTrees(of: comparison.removed)
        }
    }

    private func with(_ table: ManagedFieldsTable, in object: JSON) -> JSON {
        var object = object
        object["metadata"]?["managedFields"] = table.json(version: resource.groupVersion)
        return object
    }
}
