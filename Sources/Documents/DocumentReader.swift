/// Reads typed values from the nodes of a document, and collects every problem.
///
/// The reader reports a wrong value, leaves it out and continues. So one run shows all the mistakes in a file.
package struct DocumentReader {
    private var list = ProblemList()

    package init() {}

    /// The problems that were reported, with a limit.
    package var problems: [DocumentProblem] { list.problems }

    /// Adds a problem at the place of a node.
    package mutating func report(_ message: String, at node: DocumentNode) {
        list.add(DocumentProblem(message, at: node.place))
    }

    /// Adds a problem that another reader found.
    package mutating func report(_ problem: DocumentProblem) { list.add(problem) }

    /// Reads the fields of a mapping, and reports unknown and duplicate keys.
    ///
    /// - Parameters:
    ///   - node: The mapping.
    ///   - what: The name of the mapping in messages, such as `a driver`.
    ///   - known: The keys that the mapping may have.
    /// - Returns: Nil when the node is not a mapping.
    package mutating func fields(_ node: DocumentNode, of what: String, known: [String]) -> Fields? {
        guard case .mapping(let entries) = node.content else {
            report("\(what) must be a mapping", at: node)
            return nil
        }
        var values: [(key: String, value: DocumentNode)] = []
        values.reserveCapacity(entries.count)
        for entry in entries {
            guard case .scalar(let key, _) = entry.key.content else {
                report("a key of \(what) must be a string", at: entry.key)
                continue
            }
            guard known.contains(key) else {
                let near = nearest(to: key, in: known).map { "; did you mean '\($0)'?" } ?? ""
                report("unknown key '\(key)' in \(what)\(near)", at: entry.key)
                continue
            }
            guard !values.contains(where: { $0.key == key }) else {
                report("duplicate key '\(key)' in \(what)", at: entry.key)
                continue
            }
            values.append((key, entry.value))
        }
        return Fields(what: what, node: node, values: values)
    }

    /// The items of a list; empty when the list is missing.
    package mutating func items(_ node: DocumentNode?, of what: String) -> [DocumentNode] {
        guard let node else { return [] }
        guard case .sequence(let items) = node.content else {
            report("\(what) must be a list", at: node)
            return []
        }
        return items
    }

    /// Reads a string, which must not be empty.
    package mutating func text(_ node: DocumentNode, _ what: String) -> String? {
        guard case .scalar(let text, _) = node.content, !text.isEmpty else {
            report("\(what) must be a non-empty string", at: node)
            return nil
        }
        return text
    }

    /// Reads a value that has a text form, such as a version.
    ///
    /// `form` completes the message "… is not …": `a driver version such as 580.105.08`.
    package mutating func value<Value>(
        _ node: DocumentNode,
        _ what: String,
        form: @autoclosure () -> String,
        _ parse: (String) -> Value?
    ) -> Value? {
        guard let text = text(node, what) else { return nil }
        guard let value = parse(text) else {
            report("\(what) '\(text)' is not \(form())", at: node)
            return nil
        }
        return value
    }

    /// Reads one of the values of an enumeration.
    package mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ node: DocumentNode,
        _ what: String
    ) -> Value? where Value.RawValue == String {
        value(
            node,
            what,
            form: "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))",
            Value.init(rawValue:)
        )
    }

    /// Reads `true` or `false`.
    package mutating func boolean(_ node: DocumentNode, _ what: String) -> Bool? {
        value(node, what, form: "true or false", Bool.init)
    }

    /// Reads a count, from 1 to 2⁴⁸.
    ///
    /// The limit keeps sums of counts from overflowing.
    package mutating func integer(_ node: DocumentNode, _ what: String) -> Int? {
        value(node, what, form: "a whole number greater than 0") { text in
            Int(text).flatMap { (1...1 << 48).contains($0) ? $0 : nil }
        }
    }
}

extension DocumentReader {
    /// The fields of one mapping.
    package struct Fields {
        package let what: String
        package let node: DocumentNode
        /// The known keys are few, so a search takes less time than a table of hashes.
        let values: [(key: String, value: DocumentNode)]

        package subscript(key: String) -> DocumentNode? { values.first { $0.key == key }?.value }
    }

    /// Reads a required field, and reports it when it is missing.
    package mutating func required(_ fields: Fields, _ key: String) -> DocumentNode? {
        guard let node = fields[key] else {
            report("\(fields.what) needs '\(key)'", at: fields.node)
            return nil
        }
        return node
    }
}

/// The known word that is most similar to a mistyped word; nil when no word is similar.
package func nearest(to word: String, in words: [String]) -> String? {
    let typed = Array(word.lowercased().utf8)
    let near = words.compactMap { candidate -> (word: String, distance: Int)? in
        let limit = max(1, candidate.utf8.count / 3)
        // Words whose lengths differ by more than the limit are not compared: long words take long to compare.
        guard abs(candidate.utf8.count - typed.count) <= limit else { return nil }
        let distance = editDistance(typed, Array(candidate.lowercased().utf8))
        return distance <= limit ? (candidate, distance) : nil
    }
    return near.min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
}

/// The Levenshtein distance between two words.
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
