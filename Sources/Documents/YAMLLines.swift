/// Splits a text into lines according to the rules of YAML 1.1.
package enum YAMLLines {
    /// The lines of a text, without their line breaks.
    ///
    /// A line break is a line feed, a carriage return, both together, or U+0085, U+2028 or U+2029. A text that ends
    /// with a line break has an empty last line.
    package static func split<Text: RandomAccessCollection<UInt8>>(_ text: Text) -> [Text.SubSequence] {
        var lines: [Text.SubSequence] = []
        var (start, index) = (text.startIndex, text.startIndex)
        while index < text.endIndex {
            guard let next = endOfBreak(text[index...]) else {
                text.formIndex(after: &index)
                continue
            }
            lines.append(text[start..<index])
            (start, index) = (next, next)
        }
        return lines + [text[start...]]
    }

    /// The end of the line break at the beginning of a text; nil when the text does not begin with a line break.
    private static func endOfBreak<Text: RandomAccessCollection<UInt8>>(_ text: Text) -> Text.Index? {
        switch text.first {
        case 0x0a, 0x0d, 0xc2, 0xe2: break
        default: return nil
        }
        let breaks: [[UInt8]] = [
            [0x0d, 0x0a], [0x0a], [0x0d], [0xc2, 0x85], [0xe2, 0x80, 0xa8], [0xe2, 0x80, 0xa9],
        ]
        return breaks.first { text.starts(with: $0) }.map { text.index(text.startIndex, offsetBy: $0.count) }
    }
}
