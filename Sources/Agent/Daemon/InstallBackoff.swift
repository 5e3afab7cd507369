import NodeModel

/// How long to wait after a failed install before the next try.
struct InstallBackoff {
    private var pause: Duration = .zero
    private var notBefore: ContinuousClock.Instant?

    func allows(at instant: ContinuousClock.Instant) -> Bool {
        notBefore.map { instant >= $0 } ?? true
    }

    mutating func succeeded() {
        (pause, notBefore) = (.zero, nil)
    }

    /// Doubles from 30 seconds to half an hour.
    ///
    /// A wrong checksum goes to the end at once: asking again soon brings the same file.
    mutating func failed(_ code: ReasonCode, at instant: ContinuousClock.Instant) -> Duration {
        let longest = Duration.seconds(1800)
        pause = code == .downloadHashMismatch ? longest : min(longest, max(.seconds(30), pause * 2))
        notBefore = instant + pause
        return pause
    }
}
