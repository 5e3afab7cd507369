/// The differences between two states of an object, for each field.
public struct FieldComparison: Sendable, Equatable {
    public var added = FieldSet()
    public var modified = FieldSet()
    public var removed = FieldSet()

    /// Whether both states are equal.
    public var isSame: Bool { added.isEmpty && modified.isEmpty && removed.isEmpty }
}

extension FieldSchema {
    /// The fields that an applied object contains.
    public func fields(of value: JSON) -> FieldSet {
        var set = FieldSet()
        collect(value, into: &set)
        return set
    }

    private func collect(_ value: JSON, into set: inout FieldSet) {
        switch value {
        case .object(let members) where isGranular && !members.isEmpty:
            for (name, member) in members {
                guard let schema = self.member(name) else { continue }
                schema.collect(member, into: &set.children["f:" + name, default: FieldSet()])
            }
        case .array(let elements) where isGranular && !elements.isEmpty:
            guard case .list(let schema, let kind) = self else {
                set.isMember = true
                return
            }
            for element in elements {
                guard let key = Self.element(element, kind) else { continue }
                set.children[key, default: FieldSet()].isMember = true
                if element.object != nil { schema.collect(element, into: &set.children[key, default: FieldSet()]) }
            }
        default: set.isMember = true
        }
    }

    /// Compares two states of an object.
    public func compare(_ old: JSON, _ new: JSON) -> FieldComparison {
        var comparison = FieldComparison()
        compare(old, new, at: [], into: &comparison)
        return comparison
    }

    private func compare(_ old: JSON?, _ new: JSON?, at path: [String], into result: inout FieldComparison) {
        guard old != new else { return }
        if old == nil { result.added.insert(path) }
        if new == nil { result.removed.insert(path) }
        guard let (olds, news) = parts(old, new) else {
            if old != nil, new != nil { result.modified.insert(path) }
            return
        }
        for key in Set(olds.keys).union(news.keys) {
            let schema = part(key)
            schema?.compare(olds[key], news[key], at: path + [key], into: &result)
        }
    }

    /// Splits both states into the parts that a field manager can own; nil when it owns the whole field.
    private func parts(_ old: JSON?, _ new: JSON?) -> ([String: JSON], [String: JSON])? {
        guard isGranular, let olds = parts(old), let news = parts(new) else { return nil }
        return (olds, news)
    }

    private func parts(_ value: JSON?) -> [String: JSON]? {
        switch (self, value) {
        case (_, .none): return [:]
        case (.list(_, let kind), .some(.array(let elements))):
            let pairs = elements.compactMap { element in Self.element(element, kind).map { ($0, element) } }
            return Dictionary(pairs) { _, last in last }
        case (.list, _): return nil
        case (_, .some(.object(let members))):
            return Dictionary(uniqueKeysWithValues: members.map { ("f:" + $0, $1) })
        default: return nil
        }
    }

    /// The type of the part with a path element.
    private func part(_ element: String) -> FieldSchema? {
        if case .list(let schema, _) = self { return schema }
        return member(String(element.dropFirst(2)))
    }
}
