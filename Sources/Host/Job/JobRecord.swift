package import Support

/// What `job.json` contains: the command of a job and its start.
package struct JobRecord: Codable, Sendable, Equatable {
    package var arguments: [String]
    /// When the job was started.
    package var startedAt: Timestamp
    /// The transient unit of the job; nil on a host without systemd, and in the record of an earlier version.
    package var unit: String?
    /// How long the job may take, in seconds; nil in the record of an earlier version.
    package var deadlineSeconds: Int?

    package init(arguments: [String], startedAt: Timestamp, unit: String? = nil, deadlineSeconds: Int? = nil) {
        self.arguments = arguments
        self.startedAt = startedAt
        self.unit = unit
        self.deadlineSeconds = deadlineSeconds
    }

    /// How long the job may take, which is at most `longest`: the limit of a job whose own one is not known.
    package func limit(longest: Duration) -> Duration {
        deadlineSeconds.map { min(.seconds(max(0, $0)), longest) } ?? longest
    }

    /// How much longer the job may take at this time; zero when it has passed its limit.
    ///
    /// The clock of the host can have been set back since the start, so it is never more than the limit.
    package func rest(at time: Timestamp, longest: Duration) -> Duration {
        let limit = limit(longest: longest)
        return min(limit, max(.zero, limit - .seconds(time.seconds - startedAt.seconds)))
    }

    /// The exit status in the file `result`, as a shell prints it; nil for any other text.
    package static func exitStatus(_ text: String) -> Int? {
        let text = text.hasSuffix("\n") ? text.dropLast() : text[...]
        return wholeNumber(text, in: 0...255)
    }
}
