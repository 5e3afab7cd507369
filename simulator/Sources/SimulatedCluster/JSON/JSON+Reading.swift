public import FoundationEssentials

/// A text is not a JSON document.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    public var message: String
    /// The offset of the error, in bytes.
    public var offset: Int

    public var description: String { "\(message) at byte \(offset)" }
}

extension JSON {
    /// Parses a JSON document (RFC 8259).
    public init(parsing data: Data) throws {
        var reader = JSONReader(bytes: Array(data))
        self = try reader.document()
    }
}

/// A parser for JSON documents.
private struct JSONReader {
    let bytes: [UInt8]
    var index = 0
    /// The maximum depth of a document, because a deeper one could overflow the stack.
    private static let depthLimit = 256

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws -> JSON {
        let value = try value(depth: 0)
        skipSpace()
        guard index == bytes.count else { throw error("text after the document") }
        return value
    }

    private func error(_ message: String) -> JSONError { JSONError(message: message, offset: index) }

    private mutating func skipSpace() {
        while index < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[index]) { index += 1 }
    }

    private mutating func take(_ character: Character) -> Bool {
        skipSpace()
        guard index < bytes.count, bytes[index] == character.asciiValue else { return false }
        index += 1
        return true
    }

    private mutating func word(_ text: String, _ value: JSON) throws -> JSON {
        guard bytes[index...].starts(with: text.utf8) else { throw error("an unknown word") }
        index += text.utf8.count
        return value
    }

    private mutating func value(depth: Int) throws -> JSON {
        guard depth < Self.depthLimit else { throw error("more than \(Self.depthLimit) levels") }
        skipSpace()
        guard index < bytes.count else { throw error("the document ends early") }
        switch Character(UnicodeScalar(bytes[index])) {
        case "{": return try object(depth)
        case "[": return try array(depth)
        case "\"": return .string(try text())
        case "t": return try word("true", .bool(true))
        case "f": return try word("false", .bool(false))
        case "n": return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object(_ depth: Int) throws -> JSON {
        index += 1
        var members: [String: JSON] = [:]
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { throw error("a name is missing") }
            let key = try text()
            guard take(":") else { throw error("a colon is missing") }
            members[key] = try value(depth: depth + 1)
        } while take(",")
        guard take("}") else { throw error("a brace is missing") }
        return .object(members)
    }

    private mutating func array(_ depth: Int) throws -> JSON {
        index += 1
        var items: [JSON] = []
        if take("]") { return .array(items) }
        repeat { items.append(try value(depth: depth + 1)) } while take(",")
        guard take("]") else { throw error("a bracket is missing") }
        return .array(items)
    }

    private mutating func number() throws -> JSON {
        let start = index
        while index < bytes.count, "+-.eE0123456789".utf8.contains(bytes[index]) { index += 1 }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if let whole = Int(text), !text.hasPrefix("+") { return .int(whole) }
        guard let double = Double(text), double.isFinite, text.first != "+", text.first != "." else {
            index = start
            throw error("no value")
        }
        return .double(double)
    }

    private mutating func text() throws -> String {
        index += 1
        var units: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: units, as: UTF8.self) else { throw error("text that is not UTF-8") }
                return text
            case UInt8(ascii: "\\"): units += try escape()
            case 0..<0x20: throw error("a control character in a string")
            default: units.append(byte)
            }
        }
        throw error("a string without an end")
    }

    private mutating func escape() throws -> [UInt8] {
        guard index < bytes.count else { throw error("the document ends early") }
        let plain: [Character: UInt8] = [
            "\"": 0x22, "\\": 0x5c, "/": 0x2f, "b": 0x08, "f": 0x0c, "n": 0x0a, "r": 0x0d, "t": 0x09,
        ]
        let letter = Character(UnicodeScalar(bytes[index]))
        index += 1
        if let byte = plain[letter] { return [byte] }
        guard letter == "u" else { throw error("an unknown escape") }
        var units = [try hexUnit()]
        if UTF16.isLeadSurrogate(units[0]), bytes[index...].starts(with: "\\u".utf8) {
            index += 2
            units.append(try hexUnit())
        }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    private mutating func hexUnit() throws -> UInt16 {
        guard index + 4 <= bytes.count,
            let unit = UInt16(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
        else { throw error("an escape without four digits") }
        index += 4
        return unit
    }
}
