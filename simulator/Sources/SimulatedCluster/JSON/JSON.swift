/// A JSON value in the server.
///
/// The client of the agent has its own type. The types share no code, so that a test finds a mistake in one of them.
public indirect enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// Creates an object of strings, such as labels.
    public init(_ strings: [String: String]) { self = .object(strings.mapValues(JSON.string)) }

    public var string: String? { if case .string(let value) = self { value } else { nil } }

    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    public var int: Int? { if case .int(let value) = self { value } else { nil } }

    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }

    public var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }

    /// The members of an object whose values are strings; nil when the value is not an object.
    public var strings: [String: String]? { object?.compactMapValues(\.string) }

    /// A member of an object.
    ///
    /// Reading a member of another value returns nil. Setting nil removes the member. Setting a member of another value
    /// replaces the value with an object.
    public subscript(key: String) -> JSON? {
        get { object?[key] }
        set {
            var members = object ?? [:]
            members[key] = newValue
            self = .object(members)
        }
    }

    /// The value at a path of member names; nil when a member is missing.
    public subscript(path path: [String]) -> JSON? {
        var value: JSON? = self
        for key in path { value = value?[key] }
        return value
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}
