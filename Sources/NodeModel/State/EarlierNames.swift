package import FoundationEssentials
package import Support

/// The keys that facts and journals had in earlier versions.
///
/// A document with these keys decodes as if it had been written with the names of today.
package enum EarlierNames {
    /// From the earlier key to the key of today.
    private static let keys = ["flavour": "kernelModuleType", "licence": "license"]

    /// The same document with the keys of today.
    package static func upgraded(_ document: JSONValue) -> JSONValue {
        switch document {
        case .array(let items): .array(items.map(upgraded))
        case .object(let members):
            .object(
                members.reduce(into: [:]) { result, member in
                    let key = keys[member.key] ?? member.key
                    // A document that has both keys was written by a version that knows the new one.
                    if key == member.key || members[key] == nil { result[key] = upgraded(member.value) }
                }
            )
        case .null, .bool, .int, .double, .string: document
        }
    }

    /// The bytes of a JSON document with the keys of today; unchanged where no earlier key occurs.
    ///
    /// - Throws: The decoding error of a text that is not JSON.
    package static func upgraded(_ text: Data) throws -> Data {
        let words = keys.keys.map { Data("\"\($0)\"".utf8) }
        guard words.contains(where: { text.firstRange(of: $0) != nil }) else { return text }
        return try upgraded(JSONValue(parsing: text)).data()
    }
}
