package import Support

/// What `job.json` contains: the command of a job and its start.
package struct JobRecord: Codable, Sendable, Equatable {
    package var arguments: [String]
    /// When the job was started.
    package var startedAt: Timestamp

    package init(arguments: [String], startedAt: Timestamp) {
        self.arguments = arguments
        self.startedAt = startedAt
    }

    /// The exit status in the file `result`, as a shell prints it; nil for any other text.
    package static func exitStatus(_ text: String) -> Int? {
        let text = text.hasSuffix("\n") ? text.dropLast() : text[...]
        return wholeNumber(text, in: 0...255)
    }
}
