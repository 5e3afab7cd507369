import NodeModel

extension OfferedPackage {
    /// The longest name or version of a package, in bytes.
    private static let longestWord = 200

    /// A package that a package manager printed; nil unless a shell and a package manager take the name and the version for
    /// nothing else.
    init?(printedName name: String, version: String, vendor: String? = nil) {
        guard Self.isWord(name), Self.isWord(version) else { return nil }
        self.init(name: name, version: version, vendor: vendor)
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= longestWord && text.first != "-"
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".+~:-_^".contains($0)) }
    }
}
