import FoundationEssentials

/// A value on its way out, in any of the forms that `-o` names.
package indirect enum OutputValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([OutputValue])
    case object([Member])

    package struct Member: Sendable, Equatable {
        package var key: String
        package var value: OutputValue

        package init(_ key: String, _ value: OutputValue) {
            self.key = key
            self.value = value
        }
    }

    /// The tree of an encodable value, with the keys and in the order of its JSON form.
    ///
    /// - Throws: What the value's own `encode(to:)` throws.
    package init(encoding value: some Encodable) throws {
        self = try JSONDecoder().decode(OutputValue.self, from: JSONEncoder().encode(value))
    }
}

extension OutputValue: Decodable {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Keys come out sorted, as `JSONEncoder` sorts them: a decoder does not keep the order of the text.
    package init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            let keys = container.allKeys.sorted { $0.stringValue < $1.stringValue }
            self = .object(try keys.map { Member($0.stringValue, try container.decode(OutputValue.self, forKey: $0)) })
            return
        }
        if var container = try? decoder.unkeyedContainer() {
            var elements: [OutputValue] = []
            while !container.isAtEnd { elements.append(try container.decode(OutputValue.self)) }
            self = .array(elements)
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let bool = try? container.decode(Bool.self) {
            self = .bool(bool)
        } else if let int = try? container.decode(Int.self) {
            self = .int(int)
        } else if let double = try? container.decode(Double.self) {
            self = .double(double)
        } else {
            self = .string(try container.decode(String.self))
        }
    }
}
