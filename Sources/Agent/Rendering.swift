import Documents
import FoundationEssentials
package import NodeModel
import Support
import SystemPackage

/// Renders values as JSON or YAML text, with sorted keys and without control characters that a terminal would execute.
package enum Rendering {
    /// The value as indented JSON, with a line break at the end.
    ///
    /// - Throws: The error of the encoder, for example for a number that is not finite.
    package static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self).withEscapedControls + "\n"
    }

    /// The value as a YAML document.
    ///
    /// - Throws: The error of the encoder.
    package static func yaml(_ value: some Encodable) throws -> String {
        YAMLText.render(try JSONValue(encoding: value).withoutWideControls)
    }
}

extension String {
    /// The JSON text with the control characters beyond ASCII escaped, which the encoder writes as they are.
    fileprivate var withEscapedControls: String {
        guard visibleLines != self else { return self }
        var result = ""
        for scalar in unicodeScalars {
            if scalar.isASCII && scalar.value != 0x7f || String(scalar).visible == String(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                result += "\\u" + hex(UInt16(truncatingIfNeeded: scalar.value), digits: 4)
            }
        }
        return result
    }
}

extension JSONValue {
    /// The value with the control characters beyond ASCII replaced.
    ///
    /// The writer of YAML escapes the others.
    fileprivate var withoutWideControls: JSONValue {
        switch self {
        case .string(let text): .string(text.utf8.allSatisfy { $0 < 0x80 } ? text : text.visibleLines)
        case .array(let items): .array(items.map(\.withoutWideControls))
        case .object(let members): .object(members.mapValues(\.withoutWideControls))
        case .null, .bool, .int, .double: self
        }
    }
}

/// Reads a facts file, which `facts -o json` or `facts -o yaml` wrote.
package enum FactsFile {
    /// Reads the facts of a node, also those of an earlier version, and replaces control characters in them.
    ///
    /// - Throws: `unreadable` when the file cannot be read, `noFacts` when it does not contain facts in this form.
    package static func read(_ file: String) throws(SetupError) -> NodeFacts {
        let bytes: [UInt8]
        do throws(Errno) { bytes = try LocalFiles.read(file) } catch { throw .unreadable(file, cause: error) }
        let facts: NodeFacts
        do {
            facts = try JSONDecoder().decode(NodeFacts.self, from: EarlierNames.upgraded(json(Data(bytes), file: file)))
        } catch {
            throw .noFacts(file, why: errorChain(error))
        }
        for (key, found, expected) in [
            ("apiVersion", facts.apiVersion, NodeFacts.currentAPIVersion),
            ("kind", facts.kind, NodeFacts.documentKind),
        ] where found != expected { throw .noFacts(file, why: "\(key) is '\(found)', not '\(expected)'") }
        return facts.visible
    }

    /// Converts YAML to JSON; JSON stays as it is.
    private static func json(_ data: Data, file: String) throws -> Data {
        if data.first(where: { !$0.isWhitespace }) == UInt8(ascii: "{") { return data }
        let document = try YAMLDocument.parse([UInt8](data), file: file)
        return try JSONEncoder().encode(PlainValue(document))
    }
}

extension UInt8 {
    fileprivate var isWhitespace: Bool { self == 0x20 || (0x09...0x0d).contains(self) }
}

/// A value of a YAML document, encoded with the types of JSON.
private struct PlainValue: Encodable {
    let node: DocumentNode

    init(_ node: DocumentNode) {
        self.node = node
    }

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) {
            self.stringValue = stringValue
        }

        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        switch node.content {
        case .scalar(let text, quoted: let quoted):
            var container = encoder.singleValueContainer()
            if quoted {
                try container.encode(text)
            } else if let number = Int(text) {
                try container.encode(number)
            } else if let truth = ["true": true, "false": false][text] {
                try container.encode(truth)
            } else if let number = Double(text) {
                try container.encode(number)
            } else if ["", "~", "null"].contains(text) {
                try container.encodeNil()
            } else {
                try container.encode(text)
            }
        case .sequence(let items):
            var container = encoder.unkeyedContainer()
            for item in items { try container.encode(PlainValue(item)) }
        case .mapping(let entries):
            var container = encoder.container(keyedBy: Key.self)
            for entry in entries {
                guard case .scalar(let key, quoted: _) = entry.key.content else { continue }
                try container.encode(PlainValue(entry.value), forKey: Key(stringValue: key))
            }
        }
    }
}
