/// A value in a YAML or JSON document, with its place in the file.
///
/// `YAMLDocument` creates the nodes. Validation works on nodes, so that each problem names file, line and column.
package struct DocumentNode: Sendable, Equatable {
    package indirect enum Content: Sendable, Equatable {
        /// A scalar as text.
        ///
        /// `quoted` distinguishes `"12"` from `12`.
        case scalar(String, quoted: Bool)
        case sequence([DocumentNode])
        /// The entries in the order of the document.
        ///
        /// Duplicate keys stay in the list, so that validation can report them.
        case mapping([Entry])
    }

    /// A key of a mapping, with its value.
    package struct Entry: Sendable, Equatable {
        package var key: DocumentNode
        package var value: DocumentNode

        package init(key: DocumentNode, value: DocumentNode) {
            self.key = key
            self.value = value
        }
    }

    package var content: Content
    package var place: DocumentPlace

    package init(_ content: Content, at place: DocumentPlace) {
        self.content = content
        self.place = place
    }

    /// Whether the node is this text without quotes.
    package func isPlain(_ text: String) -> Bool {
        guard case .scalar(let scalar, quoted: false) = content else { return false }
        return scalar == text
    }
}

/// A place in a file.
///
/// Lines and columns count from 1.
package struct DocumentPlace: Sendable, Hashable, CustomStringConvertible {
    package var file: String
    package var line: Int
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    package var description: String { "\(file):\(line):\(column)" }
}
