package import Support

/// What `job.json` contains: the command of a job and its start.
package struct JobRecord: Codable, Sendable, Equatable {
    package var arguments: [String]
    /// When the job was started.
    package var startedAt: Timestamp
    /// The transient unit of the job; nil on a host without systemd, and in the record of an earlier version.
    package var unit: String?

    package init(arguments: [String], startedAt: Timestamp, unit: String? = nil) {
        self.arguments = arguments
        self.startedAt = startedAt
        self.unit = unit
    }

    /// The exit status in the file `result`, as a shell prints it; nil for any other text.
    package static func exitStatus(_ text: String) -> Int? {
        let text = text.hasSuffix("\n") ? text.dropLast() : text[...]
        return wholeNumber(text, in: 0...255)
    }
}
