extension FieldSchema {
    /// Merges an applied object into the current object.
    public func merge(_ live: JSON?, _ applied: JSON) -> JSON {
        switch (self, applied) {
        case (.list(let schema, let kind), .array(let elements)) where isGranular:
            return .array(Self.merge(live?.array ?? [], elements, schema, kind))
        case (_, .object(let members)) where isGranular:
            var result = live?.object ?? [:]
            for (name, value) in members {
                guard let schema = member(name) else { continue }
                if value == .null {
                    // The server decodes null in a map of strings as the empty string.
                    if case .map(.string) = self { result[name] = "" }
                    continue
                }
                result[name] = schema.merge(result[name], value)
            }
            return .object(result)
        default: return applied
        }
    }

    private static func merge(
        _ live: [JSON],
        _ applied: [JSON],
        _ schema: FieldSchema,
        _ kind: ListKind
    ) -> [JSON] {
        var result = live
        for value in applied {
            let key = element(value, kind)
            if let index = result.firstIndex(where: { element($0, kind) == key }) {
                result[index] = schema.merge(result[index], value)
            } else {
                result.append(value)
            }
        }
        return result
    }

    /// Removes fields from an object, with everything below them.
    ///
    /// It also removes a map or a list that becomes empty, but not a structure.
    public func remove(_ fields: FieldSet, from value: JSON) -> JSON? {
        guard !fields.isMember else { return nil }
        switch (self, value) {
        case (.list(let schema, let kind), .array(let elements)) where isGranular:
            let rest = elements.compactMap { value -> JSON? in
                guard let key = Self.element(value, kind), let below = fields.children[key] else { return value }
                return schema.remove(below, from: value)
            }
            return rest.isEmpty && !elements.isEmpty ? nil : .array(rest)
        case (_, .object(var members)) where isGranular:
            let wasEmpty = members.isEmpty
            for (element, below) in fields.children where element.hasPrefix("f:") {
                let name = String(element.dropFirst(2))
                guard let member = members[name], let schema = self.member(name) else { continue }
                members[name] = schema.remove(below, from: member)
            }
            if case .map = self, members.isEmpty, !wasEmpty { return nil }
            return .object(members)
        default: return value
        }
    }
}
