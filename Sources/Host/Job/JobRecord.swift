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
    /// The uptime of the host at the start, in seconds; nil in the record of an earlier version.
    package var startedAtUptime: Double?

    package init(
        arguments: [String],
        startedAt: Timestamp,
        unit: String? = nil,
        deadlineSeconds: Int? = nil,
        startedAtUptime: Double? = nil
    ) {
        self.arguments = arguments
        self.startedAt = startedAt
        self.unit = unit
        self.deadlineSeconds = deadlineSeconds
        self.startedAtUptime = startedAtUptime
    }

    /// How long the job may take, which is at most `longest`: the limit of a job whose own one is not known.
    package func limit(longest: Duration) -> Duration {
        deadlineSeconds.map { min(.seconds(max(0, $0)), longest) } ?? longest
    }

    /// How much longer the job may take, which runs at this moment; zero when it has passed its limit.
    ///
    /// A fresh node often sets its clock during the first install, so the uptime counts. A job does not outlive the boot in
    /// which it started. Without the uptime of the start, the clock counts, and the rest is never more than the limit.
    package func rest(at moment: Moment, longest: Duration) -> Duration {
        let limit = limit(longest: longest)
        let age = startedAtUptime.map { moment.uptime - $0 } ?? (moment.time.seconds - startedAt.seconds)
        return min(limit, max(.zero, limit - .seconds(age)))
    }

    /// A moment on both clocks of the host.
    package struct Moment: Sendable {
        package var time: Timestamp
        /// The seconds since the boot, with those in which the host slept.
        package var uptime: Double

        package init(time: Timestamp, uptime: Double) {
            self.time = time
            self.uptime = uptime
        }
    }

    /// The exit status in the file `result`, as a shell prints it; nil for any other text.
    package static func exitStatus(_ text: String) -> Int? {
        let text = text.hasSuffix("\n") ? text.dropLast() : text[...]
        return wholeNumber(text, in: 0...255)
    }
}
