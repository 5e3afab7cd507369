/// A JSON value as the server keeps and answers it.
///
/// The agent's client has a type of its own for this. The two share no code, so that a mistake in one of them shows.
public indirect enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// An object of strings, such as labels.
    public init(_ strings: [String: String]) { self = .object(strings.mapValues(JSON.string)) }

    public var string: String? { if case .string(let value) = self { value } else { nil } }

    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    public var int: Int? { if case .int(let value) = self { value } else { nil } }

    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }

    public var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }

    /// The members of an object whose values are strings; nil for anything but an object.
    public var strings: [String: String]? { object?.compactMapValues(\.string) }

    /// A member of an object.
    ///
    /// Reading from anything else gives nil. Writing nil removes the member, and writing a member into anything else
    /// makes an object of it.
    public subscript(key: String) -> JSON? {
        get { object?[key] }
        set {
            var members = object ?? [:]
            members[key] = newValue
            self = .object(members)
        }
    }

    /// The value that a chain of member names leads to; nil when one of them is missing.
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
