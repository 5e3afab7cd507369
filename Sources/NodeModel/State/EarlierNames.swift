package import FoundationEssentials
package import Support

/// The keys that facts and journals had in earlier versions.
///
/// A document with these keys is decoded as if it had the current keys.
package enum EarlierNames {
    /// The current key for each earlier key.
    private static let keys = ["flavour": "kernelModuleType", "licence": "license"]

    /// Replaces the earlier keys of a document with the current keys.
    package static func upgraded(_ document: JSONValue) -> JSONValue {
        switch document {
        case .array(let items): .array(items.map(upgraded))
        case .object(let members):
            .object(
                members.reduce(into: [:]) { result, member in
                    let key = keys[member.key] ?? member.key
                    // When a document has both keys, a version that knows the current key wrote it.
                    if key == member.key || members[key] == nil { result[key] = upgraded(member.value) }
                }
            )
        case .null, .bool, .int, .double, .string: document
        }
    }

    /// Replaces the earlier keys of a JSON text; a text without earlier keys stays as it is.
    ///
    /// - Throws: The decoding error when the text is not JSON.
    package static func upgraded(_ text: Data) throws -> Data {
        let words = keys.keys.map { Data("\"\($0)\"".utf8) }
        guard words.contains(where: { text.firstRange(of: $0) != nil }) else { return text }
        return try upgraded(JSONValue(parsing: text)).data()
    }
}
