import FoundationEssentials
import Logging

/// Logs to standard error, one line for each entry: time, level, message, and the metadata as `key=value`.
struct LineLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let pairs = all.sorted { $0.key < $1.key }.map { " \($0)=\(quoted("\($1)"))" }.joined()
        let time = Date().formatted(.iso8601)
        Output.complain("\(time) \(event.level.rawValue) \(event.message)\(pairs)\n")
    }

    private func quoted(_ text: String) -> String {
        let plain = text.allSatisfy { !$0.isWhitespace && $0 != "\"" && $0 != "=" }
        return plain && !text.isEmpty ? text : "\"\(text.replacing("\"", with: "'").replacing("\n", with: " "))\""
    }
}
