import NodeModel

/// Delays the next install after a failed one.
struct InstallBackoff {
    private var pause: Duration = .zero
    private var notBefore: ContinuousClock.Instant?

    func allows(at instant: ContinuousClock.Instant) -> Bool {
        notBefore.map { instant >= $0 } ?? true
    }

    mutating func succeeded() {
        (pause, notBefore) = (.zero, nil)
    }

    /// The failures of a download that only a person can end, by changing the server, the network or the catalog.
    private static let terminal: Set<ReasonCode> = [
        .downloadHashMismatch, .downloadForbidden, .downloadNotFound, .downloadWebPage,
    ]

    /// Records a failed install and returns the pause before the next one.
    ///
    /// The pause starts at 30 seconds and doubles with each failure, up to 30 minutes. After an answer of a server that
    /// another try does not change, it is 30 minutes at once.
    mutating func failed(_ code: ReasonCode, at instant: ContinuousClock.Instant) -> Duration {
        let longest = Duration.seconds(1800)
        pause = Self.terminal.contains(code) ? longest : min(longest, max(.seconds(30), pause * 2))
        notBefore = instant + pause
        return pause
    }
}
