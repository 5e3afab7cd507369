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

    /// Records a failed install and returns the pause before the next one.
    ///
    /// The pause starts at 30 seconds and doubles with each failure, up to 30 minutes. After a wrong checksum it is
    /// 30 minutes at once, because an early retry downloads the same file.
    mutating func failed(_ code: ReasonCode, at instant: ContinuousClock.Instant) -> Duration {
        let longest = Duration.seconds(1800)
        pause = code == .downloadHashMismatch ? longest : min(longest, max(.seconds(30), pause * 2))
        notBefore = instant + pause
        return pause
    }
}
