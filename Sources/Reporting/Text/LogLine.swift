import Support

/// A log entry as one line: time, level, message, and the metadata as `key=value`.
///
/// Values can come from servers, files and programs. They become one line without control characters and without the
/// secrets of URLs, and long ones are cut.
package enum LogLine {
    /// The most bytes of a value that are logged.
    package static let valueLimit = 2048

    /// - Parameters:
    ///   - time: The time, as RFC 3339 text.
    ///   - level: The name of the level.
    ///   - message: The message.
    ///   - metadata: The values by their keys.
    /// - Returns: The line, with a line feed at its end.
    package static func text(time: String, level: String, message: String, metadata: [String: String]) -> String {
        let pairs = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\(quoted(safe($0.value)))" }.joined()
        return "\(time) \(level) \(safe(message))\(pairs)\n"
    }

    private static func safe(_ text: String) -> String { redacted(text).visible.shortened(to: valueLimit) }

    private static func quoted(_ text: String) -> String {
        let plain = text.allSatisfy { !$0.isWhitespace && $0 != "\"" && $0 != "=" }
        return plain && !text.isEmpty ? text : "\"\(text.replacing("\"", with: "'"))\""
    }
}
