/// A label or field selector of a list or a watch.
public struct Selector: Sendable, Equatable {
    /// A condition of the selector.
    public enum Term: Sendable, Equatable {
        case oneOf(String, Set<String>)
        case noneOf(String, Set<String>)
        case exists(String)
        case missing(String)
    }

    public var terms: [Term]

    /// Selects everything.
    public static let everything = Selector(terms: [])

    /// Parses a label selector such as `a=b,c!=d,e,!f,g in (h,i),j notin (k)`.
    ///
    /// - Throws: 400 for a term that it cannot parse.
    public static func labels(_ text: String) throws(APIFailure) -> Selector {
        var terms: [Term] = []
        for part in split(text) {
            let words = part.split(separator: " ")
            if words.count >= 3, words[1] == "in" || words[1] == "notin" {
                let values = Set(words[2...].joined().dropFirst().dropLast().split(separator: ",").map(String.init))
                terms.append(words[1] == "in" ? .oneOf(String(words[0]), values) : .noneOf(String(words[0]), values))
            } else if part.hasPrefix("!") {
                terms.append(.missing(String(part.dropFirst())))
            } else if part.contains("=") {
                terms.append(try comparison(part))
            } else if words.count == 1 {
                terms.append(.exists(part))
            } else {
                throw .badRequest("unable to parse requirement: \(part)")
            }
        }
        return Selector(terms: terms)
    }

    /// Parses a field selector such as `metadata.name=node-1,spec.unschedulable!=true`.
    ///
    /// - Throws: 400 for a field that the resource does not support in selectors.
    public static func fields(_ text: String, of resource: Resource) throws(APIFailure) -> Selector {
        var terms: [Term] = []
        for part in split(text) {
            let term = try comparison(part)
            guard let field = term.key, isSelectable(field, resource) else {
                throw .badRequest(unsupported(term.key ?? part, resource))
            }
            terms.append(term)
        }
        return Selector(terms: terms)
    }

    /// The value that a field must have; nil when no condition requires a value.
    public func only(_ key: String) -> String? {
        for case .oneOf(key, let values) in terms where values.count == 1 { return values.first }
        return nil
    }

    /// Whether the selector matches a set of labels.
    public func matches(labels: [String: String]) -> Bool {
        terms.allSatisfy { $0.holds { labels[$0] } }
    }

    /// Whether the selector matches the fields of an object; a missing field counts as empty.
    public func matches(fieldsOf object: JSON) -> Bool {
        terms.allSatisfy { term in
            term.holds { key in
                let value = object[path: key.split(separator: ".").map(String.init)]
                return value?.string ?? value?.bool.map { $0 ? "true" : "false" }
                    ?? (key == "spec.unschedulable" ? "false" : "")
            }
        }
    }

    private static func isSelectable(_ field: String, _ resource: Resource) -> Bool {
        ["metadata.name", "metadata.namespace"].contains(field) || resource.selectableFields.contains(field)
    }

    /// The message about a field that the resource does not support in selectors.
    ///
    /// Each group of the real server has its own words. A kind without fields of its own has those of apimachinery.
    private static func unsupported(_ field: String, _ resource: Resource) -> String {
        if resource.selectableFields.isEmpty {
            return "\"\(field)\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        }
        let kind = resource.group.isEmpty ? "" : " for \(resource.groupVersionKind)"
        return "field label not supported\(kind): \(field)"
    }

    private static func comparison(_ part: String) throws(APIFailure) -> Term {
        guard let sign = part.firstIndex(of: "=") else { throw .badRequest("invalid selector: \(part)") }
        let value = part[sign...].drop { $0 == "=" }
        let isNegated = part[..<sign].last == "!"
        let key = String(isNegated ? part[..<sign].dropLast() : part[..<sign])
        return isNegated ? .noneOf(key, [String(value)]) : .oneOf(key, [String(value)])
    }

    /// Splits a selector at commas outside of parentheses.
    private static func split(_ text: String) -> [String] {
        var parts = [""]
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        return parts.filter { !$0.isEmpty }
    }
}

extension Selector {
    /// The selector in an object, such as that of a budget; nil when the object has none.
    ///
    /// - Parameter json: `matchLabels` and `matchExpressions`; without both, it selects everything.
    public init?(_ json: JSON?) {
        guard let json, json != .null else { return nil }
        terms = (json["matchLabels"]?.strings ?? [:]).map { .oneOf($0.key, [$0.value]) }
        for expression in json["matchExpressions"]?.array ?? [] {
            let key = expression["key"]?.string ?? ""
            let values = Set((expression["values"]?.array ?? []).compactMap(\.string))
            switch expression["operator"]?.string {
            case "In": terms.append(.oneOf(key, values))
            case "NotIn": terms.append(.noneOf(key, values))
            case "Exists": terms.append(.exists(key))
            case "DoesNotExist": terms.append(.missing(key))
            default: return nil
            }
        }
    }
}

extension Selector.Term {
    var key: String? {
        switch self {
        case .oneOf(let key, _), .noneOf(let key, _), .exists(let key), .missing(let key): key
        }
    }

    func holds(_ value: (String) -> String?) -> Bool {
        switch self {
        case .oneOf(let key, let values): value(key).map(values.contains) ?? false
        case .noneOf(let key, let values): !(value(key).map(values.contains) ?? false)
        case .exists(let key): value(key) != nil
        case .missing(let key): value(key) == nil
        }
    }
}
