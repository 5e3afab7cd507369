/// Decodes an object as the real server does, which reads it into its own types.
///
/// The server drops members that the type does not have, and omits empty members when it stores the object. A value of
/// the wrong type fails the request.
public struct Decoding: Sendable {
    public let resource: Resource

    public init(_ resource: Resource) { self.resource = resource }

    private var kind: String { resource.kind }
    private var schema: FieldSchema { resource.schema }

    /// Returns the object as the server would store it.
    ///
    /// - Parameters:
    ///   - object: The object that the client sent.
    ///   - strict: Whether unknown members fail the request, as with `fieldValidation=Strict`.
    /// - Returns: The object with its kind and version.
    /// - Throws: 400 with the message of the real server.
    public func decode(_ object: JSON, strict: Bool = false) throws(APIFailure) -> JSON {
        var unknown: [String] = []
        guard var result = try decode(object, schema, at: [], unknown: &unknown) else {
            throw .badRequest("the object provided is unrecognized (must be of type \(kind))")
        }
        if strict, !unknown.isEmpty {
            let list = unknown.sorted().map { "unknown field \"\($0)\"" }.joined(separator: ", ")
            throw .badRequest(
                "\(kind) in version \"v1\" cannot be handled as a \(kind): strict decoding error: \(list)"
            )
        }
        result["apiVersion"] = .string(resource.groupVersion)
        result["kind"] = .string(kind)
        if kind == "Node" {
            for field in ["spec", "status"] where result[field] == nil { result[field] = [:] }
            if let conditions = result[path: ["status", "conditions"]]?.array {
                result["status"]?["conditions"] = .array(conditions.map(Self.complete))
            }
        }
        if result["metadata"] == nil { result["metadata"] = [:] }
        return result
    }

    /// The condition with the members that the server writes also when they are empty.
    private static func complete(_ condition: JSON) -> JSON {
        var condition = condition
        if condition["status"] == nil { condition["status"] = "" }
        for time in ["lastHeartbeatTime", "lastTransitionTime"] where condition[time] == nil { condition[time] = .null }
        return condition
    }

    private func decode(
        _ value: JSON,
        _ schema: FieldSchema,
        at path: [String],
        unknown: inout [String]
    ) throws(APIFailure) -> JSON? {
        switch (schema, value) {
        case (_, .null): return nil
        case (.string, .string), (.boolean, .bool), (.integer, .int), (.untyped, _), (.atomic, _): return value
        case (.microTime, .string(let text)):
            if let problem = Self.problem(ofTime: text) { throw .badRequest(front + problem) }
            return value
        case (.structure(let fields), .object(let members)):
            var result: [String: JSON] = [:]
            for (name, member) in members {
                guard let schema = fields[name] else {
                    unknown.append((path + [name]).joined(separator: "."))
                    continue
                }
                let decoded = try decode(member, schema, at: path + [name], unknown: &unknown)
                if let decoded, !Self.isLeftOut(decoded) { result[name] = decoded }
            }
            return .object(result)
        case (.map(let element), .object(let members)):
            var result: [String: JSON] = [:]
            for (name, member) in members {
                // The server decodes null in a map of strings as the empty string.
                let decoded = try decode(member, element, at: path, unknown: &unknown)
                result[name] = decoded ?? (element.isGranular ? nil : "")
            }
            return .object(result)
        case (.list(let element, _), .array(let elements)):
            var result: [JSON] = []
            for (index, member) in elements.enumerated() {
                let place = path.dropLast() + [(path.last ?? "") + "[\(index)]"]
                result.append(try decode(member, element, at: Array(place), unknown: &unknown) ?? .null)
            }
            return .array(result)
        default:
            throw mismatch(value, schema, at: path)
        }
    }

    /// Whether the types of the server omit a member with this value (`omitempty`).
    ///
    /// The rule does not apply to the top-level members of an object.
    private static func isLeftOut(_ value: JSON) -> Bool {
        switch value {
        case .object(let members): members.isEmpty
        case .array(let elements): elements.isEmpty
        case .string(let text): text.isEmpty
        case .bool(let value): !value
        default: false
        }
    }

    /// Why an object cannot be decoded, without the sentence in front that names the kind.
    func why(_ failure: APIFailure) -> String {
        failure.message.hasPrefix(front) ? String(failure.message.dropFirst(front.count)) : failure.message
    }

    private var front: String { "\(kind) in version \"v1\" cannot be handled as a \(kind): " }

    /// Why a text is no time with microseconds, in the words of Go; nil when it is one.
    ///
    /// Go names the first part of the form that the text does not have. Only two parts are told apart here: the year, and
    /// the six digits after the seconds.
    private static func problem(ofTime text: String) -> String? {
        let form = "2006-01-02T15:04:05.000000Z07:00"
        if text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)/) != nil { return nil }
        let seconds = text.prefixMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/)
        let (rest, part) = seconds.map { (text[$0.range.upperBound...], ".000000") } ?? (text[...], "2006")
        return "parsing time \"\(text)\" as \"\(form)\": cannot parse \"\(rest)\" as \"\(part)\""
    }

    /// The first scalar of the wrong type, in the words of a server-side apply; nil when there is none.
    func typeProblem(_ object: JSON) -> String? { Self.typeProblem(object, schema, at: "") }

    private static func typeProblem(_ value: JSON, _ schema: FieldSchema, at path: String) -> String? {
        switch (schema, value) {
        case (.string, .int(let number)), (.boolean, .int(let number)):
            let wanted = if case .string = schema { "string" } else { "boolean" }
            return "\(path): expected \(wanted), got &value.valueUnstructured{Value:\(number)}"
        case (_, .object(let members)):
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                guard let schema = schema.member(name) else { continue }
                if let problem = typeProblem(member, schema, at: "\(path).\(name)") { return problem }
            }
            return nil
        default: return nil
        }
    }

    private func mismatch(_ value: JSON, _ schema: FieldSchema, at path: [String]) -> APIFailure {
        let given =
            switch value {
            case .null: "null"
            case .bool: "bool"
            case .int, .double: "number"
            case .string: "string"
            case .array: "array"
            case .object: "object"
            }
        let wanted =
            switch schema {
            case .string, .microTime: "string"
            case .boolean: "bool"
            case .integer: "int64"
            case .map: "map[string]string"
            case .list: "[]"
            default: "struct"
            }
        let owner = path.first == "metadata" && path.count > 1 ? "ObjectMeta." : ""
        let place = path.isEmpty ? "" : " into Go struct field \(owner)\(path.joined(separator: "."))"
        return .badRequest(
            "\(kind) in version \"v1\" cannot be handled as a \(kind): json: cannot unmarshal \(given)\(place) of type \(wanted)"
        )
    }
}
