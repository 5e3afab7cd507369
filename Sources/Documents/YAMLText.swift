import CYAML
package import Support

/// Writes a value as a YAML document in block style.
///
/// Readers of YAML 1.1 and of YAML 1.2 get the same values back. A string that either version could read as another
/// type is quoted.
package enum YAMLText {
    /// Renders the document, with a final newline.
    package static func render(_ value: JSONValue) -> String {
        let emitter = YAMLEmitter()
        emitter.write(document: value)
        return emitter.text
    }

    /// Whether a reader could take the unquoted text for another type than a string.
    ///
    /// This is true of every text that begins like a number: versions, dates, and PCI addresses, which YAML 1.1 reads
    /// as numbers in base 60.
    static func needsQuotes(_ text: String) -> Bool {
        guard let first = text.utf8.first, !reserved.contains(text.lowercased()) else { return true }
        if isDigit(first) { return true }
        guard "+-.".utf8.contains(first), let second = text.utf8.dropFirst().first else { return false }
        return isDigit(second) || (first == UInt8(ascii: ".") ? "iInN" : ".").utf8.contains(second)
    }

    private static let reserved: Set = ["null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "="]

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// A number in a form that both versions of YAML read.
    ///
    /// YAML 1.1 does not accept an exponent without a decimal point.
    static func number(_ value: Double) -> String {
        if value.isNaN { return ".nan" }
        if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
        let text = value.description
        guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
        return "\(text[..<exponent]).0\(text[exponent...])"
    }
}

/// Writes values with libyaml's emitter, which chooses the escapes that each style of scalar needs.
///
/// The emitter's functions fail when memory runs out, when the write handler fails, or when events are out of order.
/// The write handler here cannot fail, and events out of order are a programming error. So each failure is a
/// precondition.
private final class YAMLEmitter {
    private final class Output {
        var bytes: [UInt8] = []
    }

    private let emitter: UnsafeMutablePointer<yaml_emitter_t>
    private let output = Output()

    var text: String { String(decoding: output.bytes, as: UTF8.self) }

    init() {
        emitter = .allocate(capacity: 1)
        precondition(yaml_emitter_initialize(emitter) == 1, "out of memory")
        yaml_emitter_set_output(
            emitter,
            { output, bytes, count in
                guard let output else { return 0 }
                Unmanaged<Output>.fromOpaque(output).takeUnretainedValue()
                    .bytes.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
                return 1
            },
            Unmanaged.passUnretained(output).toOpaque()
        )
        yaml_emitter_set_unicode(emitter, 1)
        // Long lines are not folded, so that a message of one line stays on one line.
        yaml_emitter_set_width(emitter, -1)
    }

    deinit {
        yaml_emitter_delete(emitter)
        emitter.deallocate()
    }

    func write(document: JSONValue) {
        emit { yaml_stream_start_event_initialize($0, YAML_UTF8_ENCODING) }
        emit { yaml_document_start_event_initialize($0, nil, nil, nil, 1) }
        write(document)
        emit { yaml_document_end_event_initialize($0, 1) }
        emit { yaml_stream_end_event_initialize($0) }
    }

    private func write(_ value: JSONValue) {
        switch value {
        case .null: scalar("null", YAML_PLAIN_SCALAR_STYLE)
        case .bool(let bool): scalar(bool ? "true" : "false", YAML_PLAIN_SCALAR_STYLE)
        case .int(let int): scalar(String(int), YAML_PLAIN_SCALAR_STYLE)
        case .double(let double): scalar(YAMLText.number(double), YAML_PLAIN_SCALAR_STYLE)
        case .string(let text): string(text)
        case .array(let elements):
            let style = elements.isEmpty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE
            emit { yaml_sequence_start_event_initialize($0, nil, nil, 1, style) }
            for element in elements { write(element) }
            emit { yaml_sequence_end_event_initialize($0) }
        case .object(let members):
            let style = members.isEmpty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE
            emit { yaml_mapping_start_event_initialize($0, nil, nil, 1, style) }
            for member in members.sorted(by: { $0.key < $1.key }) {
                string(member.key)
                write(member.value)
            }
            emit { yaml_mapping_end_event_initialize($0) }
        }
    }

    private func string(_ text: String) {
        if text.utf8.contains(0x0a) {
            scalar(text, YAML_LITERAL_SCALAR_STYLE)
        } else {
            scalar(text, YAMLText.needsQuotes(text) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE)
        }
    }

    /// Writes a scalar in a style, or in a stricter style when the text needs one.
    private func scalar(_ text: String, _ style: yaml_scalar_style_t) {
        let bytes = Array(text.utf8)
        emit { yaml_scalar_event_initialize($0, nil, nil, bytes, CInt(bytes.count), 1, 1, style) }
    }

    private func emit(_ initialize: (UnsafeMutablePointer<yaml_event_t>) -> CInt) {
        var event = yaml_event_t()
        precondition(initialize(&event) == 1, "out of memory")
        // The emitter owns the event from here on, and frees it even when it fails.
        let emitted = yaml_emitter_emit(emitter, &event)
        precondition(emitted == 1, emitter.pointee.problem.map { String(cString: $0) } ?? "out of memory")
    }
}
