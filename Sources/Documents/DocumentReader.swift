/// Reads typed values out of a located document and collects every problem on the way.
///
/// A value that is wrong is reported and left out; reading goes on, so that one look at a file shows all its faults.
package struct DocumentReader {
    package private(set) var problems: [DocumentProblem] = []

    package init() {}

    package mutating func report(_ message: String, at node: DocumentNode) {
        problems.append(DocumentProblem(message, at: node.place))
    }

    /// The fields of a mapping, with unknown and repeated keys reported.
    ///
    /// Nil when the node is no mapping.
    package mutating func fields(_ node: DocumentNode, of what: String, known: [String]) -> Fields? {
        guard case .mapping(let entries) = node.content else {
            report("\(what) must be a mapping", at: node)
            return nil
        }
        var values: [String: DocumentNode] = [:]
        for entry in entries {
            guard case .scalar(let key, _) = entry.key.content else {
                report("a key of \(what) must be a plain word", at: entry.key)
                continue
            }
            guard known.contains(key) else {
                let near = nearest(to: key, in: known).map { "; did you mean '\($0)'?" } ?? ""
                report("unknown key '\(key)' in \(what)\(near)", at: entry.key)
                continue
            }
            guard values[key] == nil else {
                report("key '\(key)' stands twice in \(what)", at: entry.key)
                continue
            }
            values[key] = entry.value
        }
        return Fields(what: what, node: node, values: values)
    }

    /// The items of a list; a missing list is empty.
    package mutating func items(_ node: DocumentNode?, of what: String) -> [DocumentNode] {
        guard let node else { return [] }
        guard case .sequence(let items) = node.content else {
            report("\(what) must be a list", at: node)
            return []
        }
        return items
    }

    package mutating func text(_ node: DocumentNode, _ what: String) -> String? {
        guard case .scalar(let text, _) = node.content, !text.isEmpty else {
            report("\(what) must be a text", at: node)
            return nil
        }
        return text
    }

    /// A value made from text, such as a version; `form` says in words what is expected.
    package mutating func value<Value>(
        _ node: DocumentNode,
        _ what: String,
        form: String,
        _ parse: (String) -> Value?
    ) -> Value? {
        guard let text = text(node, what) else { return nil }
        guard let value = parse(text) else {
            report("\(what) '\(text)' is not \(form)", at: node)
            return nil
        }
        return value
    }

    package mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ node: DocumentNode,
        _ what: String
    ) -> Value? where Value.RawValue == String {
        let names = Value.allCases.map(\.rawValue)
        return value(node, what, form: "one of \(names.joined(separator: ", "))", Value.init(rawValue:))
    }

    package mutating func boolean(_ node: DocumentNode, _ what: String) -> Bool? {
        value(node, what, form: "true or false", Bool.init)
    }

    /// A count of anything; sums of some of them must not overflow.
    package mutating func integer(_ node: DocumentNode, _ what: String) -> Int? {
        value(node, what, form: "a whole number above 0") { text in
            Int(text).flatMap { (1...1 << 48).contains($0) ? $0 : nil }
        }
    }
}

extension DocumentReader {
    /// The fields of one mapping.
    package struct Fields {
        package let what: String
        package let node: DocumentNode
        package let values: [String: DocumentNode]

        package subscript(key: String) -> DocumentNode? { values[key] }
    }

    /// A field that must be there.
    package mutating func required(_ fields: Fields, _ key: String) -> DocumentNode? {
        guard let node = fields[key] else {
            report("\(fields.what) needs '\(key)'", at: fields.node)
            return nil
        }
        return node
    }
}

/// The word nearest to a mistyped one, when it is near enough to be meant.
package func nearest(to word: String, in words: [String]) -> String? {
    let typed = Array(word.lowercased().utf8)
    let near = words.compactMap { candidate -> (word: String, distance: Int)? in
        let limit = max(1, candidate.utf8.count / 3)
        // Words that differ more in length cannot be near; a text full of long words would take long to compare.
        guard abs(candidate.utf8.count - typed.count) <= limit else { return nil }
        let distance = editDistance(typed, Array(candidate.lowercased().utf8))
        return distance <= limit ? (candidate, distance) : nil
    }
    return near.min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
}

/// Levenshtein's distance.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var previous = Array(0...right.count)
    var current = previous
    for (row, a) in left.enumerated() {
        current[0] = row + 1
        for (column, b) in right.enumerated() {
            current[column + 1] = min(
                previous[column + 1] + 1,
                current[column] + 1,
                previous[column] + (a == b ? 0 : 1)
            )
        }
        swap(&previous, &current)
    }
    return previous[right.count]
}
