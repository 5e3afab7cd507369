import CYAML

/// Reads a YAML document into a tree of nodes with their places.
///
/// JSON is a subset of YAML.
///
/// Anchors, aliases, tags and a second document are problems. So a value means what is written, and a small file cannot
/// expand into a large tree. One form of JSON is refused too: two `\u` escapes for one character outside the basic
/// multilingual plane, which YAML does not support.
package enum YAMLDocument {
    /// The size limit of a document, in bytes.
    ///
    /// It is also the limit of a ConfigMap.
    package static let sizeLimit = 1 << 20
    /// The limit for the nesting of sequences and mappings.
    package static let depthLimit = 64
    /// The limit for the number of scalars, sequences and mappings.
    ///
    /// The densest catalog of 1 MiB has fewer. Each of them takes about a hundred bytes of memory, so a document of
    /// empty lists would take fifty times its size.
    package static let nodeLimit = 200_000
    /// The limit for the number of `%TAG` directives in a document.
    ///
    /// libyaml compares each directive with every other one, so a document full of them would take minutes.
    static let tagDirectiveLimit = 100

    /// Reads one document.
    ///
    /// - Parameters:
    ///   - text: The document in UTF-8. A text above `sizeLimit` is not read at all.
    ///   - file: The file name for the places of the nodes.
    /// - Returns: The root node. Duplicate keys stay in the tree; validation reports them.
    /// - Throws: All problems up to the first syntax error.
    package static func parse(_ text: [UInt8], file: String) throws(DocumentProblems) -> DocumentNode {
        let start = DocumentPlace(file: file, line: 1, column: 1)
        guard text.count <= sizeLimit else {
            let message = "the document has \(text.count) bytes; the limit is \(sizeLimit) bytes"
            throw DocumentProblems([DocumentProblem(message, at: start)])
        }
        guard countOfTagDirectives(text) <= tagDirectiveLimit else {
            let message = "the document contains %TAG more than \(tagDirectiveLimit) times; tags are not supported"
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

/// Builds the tree from libyaml's events.
///
/// It uses a stack of its own, which `depthLimit` bounds.
private struct TreeBuilder {
    /// A sequence or mapping whose end was not read yet.
    ///
    /// The children of a mapping alternate between keys and values.
    private struct Open {
        var place: DocumentPlace
        var isMapping: Bool
        var children: [DocumentNode] = []
    }

    let events: YAMLEvents
    let start: DocumentPlace
    private var list = ProblemList()
    private var nodes = 0
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
            for problem in error.problems { list.add(problem) }
        }
        if list.problems.isEmpty, root == nil { note("the document is empty", at: start) }
        guard let root, list.problems.isEmpty else { throw DocumentProblems(list.problems) }
        return root
    }

    /// Processes an event; false when the rest of the document cannot be read.
    private mutating func take(_ event: YAMLEvents.Event) -> Bool {
        if event.hasAnchor {
            note("anchors (&) are not supported; repeat the value where you need it", at: event.place)
        }
        if event.hasTag {
            note("tags (!) are not supported; to make a value a string, put it in quotes", at: event.place)
        }
        switch event.kind {
        case .scalar, .sequenceStart, .mappingStart, .alias:
            nodes += 1
            guard nodes <= YAMLDocument.nodeLimit else {
                note("the document has more than \(YAMLDocument.nodeLimit) values; split it", at: event.place)
                return false
            }
        default: break
        }
        switch event.kind {
        case .documentStart:
            documents += 1
            guard documents == 1 else {
                note("a second document (---) is not supported; put each document in its own file", at: event.place)
                return false
            }
        case .alias:
            note("aliases (*) are not supported; repeat the value where you need it", at: event.place)
            add(DocumentNode(.scalar("", quoted: false), at: event.place))
        case .scalar(let text, let quoted):
            add(DocumentNode(.scalar(text, quoted: quoted), at: event.place))
        case .sequenceStart, .mappingStart:
            guard open.count < YAMLDocument.depthLimit else {
                note("lists and mappings are nested more than \(YAMLDocument.depthLimit) levels deep", at: event.place)
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
        list.add(DocumentProblem(message, at: place))
    }
}
