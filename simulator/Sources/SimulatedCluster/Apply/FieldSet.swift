/// A set of fields of an object, as a tree like the one in `FieldsV1`.
///
/// The keys are path elements in the form of `FieldsV1`: `f:name` for a member, `k:{"type":"Ready"}` for an element of
/// a keyed list, `v:"text"` for an element of a set.
public struct FieldSet: Sendable, Hashable {
    /// Whether the set contains the field itself, not only fields below it.
    public var isMember = false
    public var children: [String: FieldSet] = [:]

    public init() {}

    /// Whether the set contains no field.
    public var isEmpty: Bool { !isMember && children.isEmpty }

    /// Adds the field at a path to the set.
    public mutating func insert(_ path: some Collection<String>) {
        guard let first = path.first else {
            isMember = true
            return
        }
        children[first, default: FieldSet()].insert(path.dropFirst())
    }

    /// Whether the set contains the field at a path.
    public func contains(_ path: some Collection<String>) -> Bool {
        guard let first = path.first else { return isMember }
        return children[first]?.contains(path.dropFirst()) ?? false
    }

    /// The subset at and below a field.
    public func subtree(_ path: some Collection<String>) -> FieldSet {
        guard let first = path.first else { return self }
        return children[first]?.subtree(path.dropFirst()) ?? FieldSet()
    }

    /// The paths of all fields in the set, sorted.
    public var paths: [[String]] {
        var paths: [[String]] = isMember ? [[]] : []
        for (key, child) in children.sorted(by: { $0.key < $1.key }) {
            paths += child.paths.map { [key] + $0 }
        }
        return paths
    }
}

extension FieldSet {
    public func union(_ other: FieldSet) -> FieldSet {
        var result = self
        result.isMember = isMember || other.isMember
        for (key, child) in other.children { result.children[key] = (children[key] ?? FieldSet()).union(child) }
        return result
    }

    public func intersection(_ other: FieldSet) -> FieldSet {
        var result = FieldSet()
        result.isMember = isMember && other.isMember
        for (key, child) in children {
            let common = child.intersection(other.children[key] ?? FieldSet())
            if !common.isEmpty { result.children[key] = common }
        }
        return result
    }

    /// The fields in this set that are not in the other one.
    public func subtracting(_ other: FieldSet) -> FieldSet {
        var result = FieldSet()
        result.isMember = isMember && !other.isMember
        for (key, child) in children {
            let rest = child.subtracting(other.children[key] ?? FieldSet())
            if !rest.isEmpty { result.children[key] = rest }
        }
        return result
    }

    /// The fields in this set that are neither in the other one nor below one of its fields.
    public func subtractingTrees(of other: FieldSet) -> FieldSet {
        guard !other.isMember else { return FieldSet() }
        var result = FieldSet()
        result.isMember = isMember
        for (key, child) in children {
            let rest = child.subtractingTrees(of: other.children[key] ?? FieldSet())
            if !rest.isEmpty { result.children[key] = rest }
        }
        return result
    }
}

extension FieldSet {
    /// The set in the format `FieldsV1`.
    public var json: JSON {
        var members = children.mapValues(\.json)
        if isMember, !members.isEmpty { members["."] = [:] }
        return .object(members)
    }

    /// Parses the format `FieldsV1`.
    ///
    /// The set contains a field whose node has no children or has the child `.`.
    public init(json: JSON, isTop: Bool = true) {
        let members = json.object ?? [:]
        isMember = !isTop && (members.isEmpty || members["."] != nil)
        for (key, child) in members where key != "." { children[key] = FieldSet(json: child, isTop: false) }
    }

    /// A path as the server prints it: `.metadata.labels.x`, `.status.conditions[type="Ready"]`.
    public static func printed(_ path: [String]) -> String {
        path.map { element in
            let text = element.dropFirst(2)
            if element.hasPrefix("f:") { return "." + text }
            if element.hasPrefix("v:") { return "[=\(text)]" }
            let inner = text.dropFirst().dropLast().replacing("\":", with: "=").replacing(",\"", with: ",")
            return "[\(inner.drop { $0 == "\"" })]"
        }.joined()
    }
}
