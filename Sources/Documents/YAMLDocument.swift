import CYAML

/// Reads YAML, and JSON as a part of it, into a tree that knows where each value stands.
///
/// Only the tree-shaped part of YAML is taken: anchors, aliases, tags and a second document are problems. So no text
/// means more than it says, and none unfolds into something much larger than itself. Of JSON one thing is refused: a
/// character outside the basic plane written as two `\u` escapes, which YAML does not know.
package enum YAMLDocument {
    /// The longest text that is read, in bytes; a ConfigMap cannot hold more.
    package static let sizeLimit = 1 << 20
    /// How deep sequences and mappings may stand in each other.
    package static let depthLimit = 64
    /// How often `%TAG` may stand in a text.
    ///
    /// It begins a directive, of which libyaml compares each with every other: a text full of them would take minutes.
    static let tagDirectiveLimit = 100

    /// Reads one document.
    ///
    /// - Parameters:
    ///   - text: UTF-8. Nothing is read of a text longer than `sizeLimit`.
    ///   - file: The name that places in the document carry.
    /// - Returns: The root. Duplicate keys are kept: refusing them is the validation's part.
    /// - Throws: Every problem up to the first error of syntax.
    package static func parse(_ text: [UInt8], file: String) throws(DocumentProblems) -> DocumentNode {
        let start = DocumentPlace(file: file, line: 1, column: 1)
        guard text.count <= sizeLimit else {
            let message = "the document has \(text.count) bytes, more than the \(sizeLimit) that are read"
            throw DocumentProblems([DocumentProblem(message, at: start)])
        }
        guard countOfTagDirectives(text) <= tagDirectiveLimit else {
            let message = "%TAG stands in the document more than \(tagDirectiveLimit) times; no tag is supported"
            throw DocumentProblems([DocumentProblem(message, at: start)])
        }
        return try text.withUnsafeBufferPointer { bytes throws(DocumentProblems) in
            guard let events = YAMLEvents(bytes, file: file) else {
                throw DocumentProblems([DocumentProblem("out of memory", at: start)])
            }
            var builder = TreeBuilder(events: events, start: start)
            return try builder.build()
        }
    }

    /// Reads one document from a string; see `parse(_:file:)` for bytes.
    package static func parse(_ text: String, file: String) throws(DocumentProblems) -> DocumentNode {
        try parse(Array(text.utf8), file: file)
    }

    private static func countOfTagDirectives(_ text: [UInt8]) -> Int {
        text.indices.count { text[$0] == UInt8(ascii: "%") && text[$0...].starts(with: "%TAG".utf8) }
    }
}

/// Makes the tree out of the events, with a stack of its own that `depthLimit` bounds.
private struct TreeBuilder {
    /// A sequence or mapping that is not closed yet.
    ///
    /// The children of a mapping are its keys and values in turn.
    private struct Open {
        var place: DocumentPlace
        var isMapping: Bool
        var children: [DocumentNode] = []
    }

    let events: YAMLEvents
    let start: DocumentPlace
    private var problems: [DocumentProblem] = []
    private var open: [Open] = []
    private var root: DocumentNode?
    private var documents = 0

    init(events: YAMLEvents, start: DocumentPlace) {
        self.events = events
        self.start = start
    }

    mutating func build() throws(DocumentProblems) -> DocumentNode {
        do {
            var event = try events.next()
            while event.kind != .streamEnd, take(event) { event = try events.next() }
        } catch {
            problems += error.problems
        }
        if problems.isEmpty, root == nil { note("the document is empty", at: start) }
        guard let root, problems.isEmpty else { throw DocumentProblems(problems) }
        return root
    }

    /// Takes one event in; false when nothing that follows can be made sense of.
    private mutating func take(_ event: YAMLEvents.Event) -> Bool {
        if event.hasAnchor {
            note("an anchor (&) is not supported: write the value out where it is used", at: event.place)
        }
        if event.hasTag { note("a tag (!) is not supported: quote the value to make it text", at: event.place) }
        switch event.kind {
        case .documentStart:
            documents += 1
            guard documents == 1 else {
                note("a second document (---) is not supported: one document in each file", at: event.place)
                return false
            }
        case .alias:
            note("an alias (*) is not supported: write the value out", at: event.place)
            add(DocumentNode(.scalar("", quoted: false), at: event.place))
        case .scalar(let text, let quoted):
            add(DocumentNode(.scalar(text, quoted: quoted), at: event.place))
        case .sequenceStart, .mappingStart:
            guard open.count < YAMLDocument.depthLimit else {
                note("more than \(YAMLDocument.depthLimit) levels stand in each other", at: event.place)
                return false
            }
            open.append(Open(place: event.place, isMapping: event.kind == .mappingStart))
        case .collectionEnd:
            guard let closed = open.popLast() else { return false }
            add(
                DocumentNode(
                    closed.isMapping ? .mapping(entries(closed.children)) : .sequence(closed.children),
                    at: closed.place
                )
            )
        case .streamEnd, .other:
            break
        }
        return true
    }

    private mutating func add(_ node: DocumentNode) {
        if open.isEmpty { root = node } else { open[open.count - 1].children.append(node) }
    }

    private func entries(_ children: [DocumentNode]) -> [DocumentNode.Entry] {
        stride(from: 0, to: children.count - 1, by: 2).map {
            DocumentNode.Entry(key: children[$0], value: children[$0 + 1])
        }
    }

    private mutating func note(_ message: String, at place: DocumentPlace) {
        problems.append(DocumentProblem(message, at: place))
    }
}
