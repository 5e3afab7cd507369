public import FoundationEssentials

extension JSON {
    /// The JSON text, with members sorted by name, so that equal values have equal bytes.
    public func data(pretty: Bool = false) throws -> Data { Data(text(pretty: pretty).utf8) }

    /// The same JSON text as a string.
    public func text(pretty: Bool = false) -> String {
        var text = ""
        write(to: &text, pretty ? 0 : nil)
        return text
    }

    private func write(to text: inout String, _ level: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .int(let value): text += String(value)
        case .double(let value): text += value.isFinite ? "\(value)" : "null"
        case .string(let value): Self.write(value, to: &text)
        case .array(let items):
            Self.write("[", "]", items.count, to: &text, level) { index, text, level in
                items[index].write(to: &text, level)
            }
        case .object(let members):
            let sorted = members.sorted { $0.key < $1.key }
            Self.write("{", "}", sorted.count, to: &text, level) { index, text, level in
                Self.write(sorted[index].key, to: &text)
                text += level == nil ? ":" : ": "
                sorted[index].value.write(to: &text, level)
            }
        }
    }

    private static func write(
        _ open: String,
        _ close: String,
        _ count: Int,
        to text: inout String,
        _ level: Int?,
        _ item: (Int, inout String, Int?) -> Void
    ) {
        text += open
        let next = level.map { $0 + 1 }
        for index in 0..<count {
            if index > 0 { text += "," }
            if let next { text += "\n" + String(repeating: "  ", count: next) }
            item(index, &text, next)
        }
        if let level, count > 0 { text += "\n" + String(repeating: "  ", count: level) }
        text += close
    }

    private static func write(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
