import CYAML

/// Reads the events of libyaml's parser, one at a time.
///
/// It borrows the text, so it must not outlive the buffer that it was created with.
final class YAMLEvents {
    struct Event {
        enum Kind: Equatable {
            case documentStart, sequenceStart, mappingStart, collectionEnd, streamEnd, alias, other
            case scalar(String, quoted: Bool)
        }

        var kind: Kind
        var place: DocumentPlace
        var hasAnchor = false
        var hasTag = false
    }

    // The parser is on the heap because it keeps a pointer to itself.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeBufferPointer<UInt8>
    private let file: String
    /// The end of a text without a final line break; nil for other texts.
    ///
    /// libyaml counts one line too many at the end of such a text.
    private let openEnd: DocumentPlace?

    /// Nil when there is not enough memory for a parser.
    init?(_ text: UnsafeBufferPointer<UInt8>, file: String) {
        parser = .allocate(capacity: 1)
        self.text = text
        self.file = file
        openEnd = text.last == 0x0a ? nil : Self.end(of: text[...], file)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            return nil
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, text.baseAddress ?? UnsafePointer(bitPattern: 1), text.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event.
    ///
    /// - Throws: The syntax error, as the only problem.
    func next() throws(DocumentProblems) -> Event {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else { throw DocumentProblems([problem()]) }
        defer { yaml_event_delete(&raw) }
        var event = Event(kind: .other, place: place(raw.start_mark))
        switch raw.type {
        case YAML_STREAM_END_EVENT: event.kind = .streamEnd
        case YAML_DOCUMENT_START_EVENT: event.kind = .documentStart
        case YAML_ALIAS_EVENT: event.kind = .alias
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: event.kind = .collectionEnd
        case YAML_SEQUENCE_START_EVENT:
            event.kind = .sequenceStart
            event.hasAnchor = raw.data.sequence_start.anchor != nil
            event.hasTag = raw.data.sequence_start.tag != nil
        case YAML_MAPPING_START_EVENT:
            event.kind = .mappingStart
            event.hasAnchor = raw.data.mapping_start.anchor != nil
            event.hasTag = raw.data.mapping_start.tag != nil
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            event.kind = .scalar(
                String(decoding: bytes, as: UTF8.self),
                quoted: scalar.style != YAML_PLAIN_SCALAR_STYLE
            )
            event.hasAnchor = scalar.anchor != nil
            event.hasTag = scalar.tag != nil
        default: break
        }
        return event
    }

    /// The place of a mark of libyaml, which counts lines and columns from 0.
    private func place(_ mark: yaml_mark_t) -> DocumentPlace {
        if let openEnd, mark.line >= openEnd.line { return openEnd }
        return DocumentPlace(file: file, line: mark.line + 1, column: mark.column + 1)
    }

    private func problem() -> DocumentProblem {
        let what = parser.pointee.problem.map { String(cString: $0) } ?? "out of memory"
        guard parser.pointee.error != YAML_READER_ERROR else {
            // The text is not UTF-8, or has characters that YAML forbids. libyaml then reports only an offset.
            return DocumentProblem(what, at: Self.end(of: text.prefix(parser.pointee.problem_offset), file))
        }
        let context = parser.pointee.context.map { String(cString: $0) + ": " } ?? ""
        return DocumentProblem(context + what, at: place(parser.pointee.problem_mark))
    }

    /// The place after the last character of a text.
    private static func end(of text: Slice<UnsafeBufferPointer<UInt8>>, _ file: String) -> DocumentPlace {
        let lines = YAMLLines.split(text)
        // A continuation byte of UTF-8 does not start a column.
        let column = (lines.last?.count { $0 & 0xc0 != 0x80 } ?? 0) + 1
        return DocumentPlace(file: file, line: lines.count, column: column)
    }
}
