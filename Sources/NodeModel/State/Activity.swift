package import Support

/// What an agent does on a host now, or what it waits for.
///
/// The agent that holds the host's lock leaves this in a file on the host, so that `gpu-agent status` can show it.
package struct Activity: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable {
        /// The agent executes a step of the plan.
        case step
        /// The agent waits for a job that an earlier agent started.
        case job
        /// The agent waits before it tries a failed install again.
        case retry
        /// The agent waits until it can read its Node.
        case node
    }

    package var kind: Kind
    /// What the agent does or waits for, as a text for the output: `download NVIDIA-Linux-x86_64-595.91.07.run`.
    package var subject: String
    package var since: Timestamp
    /// When the agent tries again; nil when no time is set.
    package var until: Timestamp?
    /// How long the step took in the last install, in seconds; nil when it is not known.
    package var usualSeconds: Double?
    /// The bytes downloaded so far; nil when the step has no download.
    package var receivedBytes: Int?
    /// The size of the download; nil when the server does not report it.
    package var totalBytes: Int?
    /// The last line that the program of the step printed; a package manager that waits for a lock says so in it.
    package var lastLine: String?
    /// When the program printed that line.
    package var lastLineAt: Timestamp?

    package init(kind: Kind, subject: String, since: Timestamp, until: Timestamp? = nil) {
        self.kind = kind
        self.subject = subject
        self.since = since
        self.until = until
    }
}
