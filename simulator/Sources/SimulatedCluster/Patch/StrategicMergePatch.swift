/// A strategic merge patch, with the features that kubectl needs for a Node.
///
/// As in the `patchStrategy` tags of the core types, it merges finalizers and podCIDRs by value, owner references by
/// uid, conditions and addresses by type, and attached volumes by name. It replaces all other lists, also the taints.
public enum StrategicMergePatch {
    /// Applies the patch to a document.
    ///
    /// - Throws: 400 for an unknown directive.
    public static func apply(
        _ patch: JSON,
        to document: JSON?,
        schema: FieldSchema
    ) throws(APIFailure) -> JSON {
        guard case .object(var changes) = patch else { return patch }
        switch changes.removeValue(forKey: "$patch")?.string {
        case .none, .some("merge"): break
        case .some("replace"): return .object(changes)
        case .some("delete"): return [:]
        case .some(let other): throw .badRequest("Unknown patch type found: \(other)")
        }
        var members = document?.object ?? [:]
        for (name, change) in changes {
            if name.hasPrefix("$setElementOrder/") || name == "$retainKeys" { continue }
            if name.hasPrefix("$deleteFromPrimitiveList/") {
                let list = String(name.dropFirst("$deleteFromPrimitiveList/".count))
                let going = Set(change.array ?? [])
                members[list] = .array((members[list]?.array ?? []).filter { !going.contains($0) })
                continue
            }
            let schema = schema.member(name) ?? .untyped
            switch (change, schema) {
            case (.null, _): members[name] = nil
            case (.object, _): members[name] = try apply(change, to: members[name], schema: schema)
            case (.array(let elements), .list(let element, let kind)):
                let live = members[name]?.array ?? []
                members[name] = .array(try merge(elements, into: live, element: element, kind: kind))
            default: members[name] = change
            }
        }
        return .object(members)
    }

    private static func merge(
        _ changes: [JSON],
        into live: [JSON],
        element: FieldSchema,
        kind: FieldSchema.ListKind
    ) throws(APIFailure) -> [JSON] {
        if case .atomic = kind { return changes }
        if changes.contains(where: { $0["$patch"] == "replace" }) {
            return changes.filter { $0["$patch"] != "replace" }
        }
        var result = live
        for change in changes {
            let key = FieldSchema.element(change, kind)
            let index = result.firstIndex { FieldSchema.element($0, kind) == key }
            if change["$patch"] == "delete" {
                if let index { result.remove(at: index) }
            } else if let index {
                result[index] = try apply(change, to: result[index], schema: element)
            } else {
                result.append(change)
            }
        }
        return result
    }
}
