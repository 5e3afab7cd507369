/// A value of a YAML or JSON document, with the place where it stands.
///
/// The `Documents` room makes these from text; validation works on them, so each problem can name file, line and column.
package struct DocumentNode: Sendable, Equatable {
    package indirect enum Content: Sendable, Equatable {
        /// A scalar, as text; `quoted` tells `"12"` from `12`.
        case scalar(String, quoted: Bool)
        case sequence([DocumentNode])
        /// In the order of the document. Duplicate keys are kept, so that they can be reported.
        case mapping([Entry])
    }

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
}

/// A place in a document; lines and columns count from 1.
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
