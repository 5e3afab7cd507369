import FoundationEssentials
import Logging
import Reporting

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
        let line = LogLine.text(
            time: Date().formatted(.iso8601),
            level: event.level.rawValue,
            message: "\(event.message)",
            metadata: all.mapValues { "\($0)" }
        )
        Output.complain(line)
    }
}
