import Support

/// Notices that a server sends too slowly, by the average over one window after the other.
struct RateFloor {
    /// The lowest acceptable rate, in bytes per second.
    let bytesPerSecond: Int
    let window: Duration
    private var began: ContinuousClock.Instant
    private var bytes = 0

    init(bytesPerSecond: Int, window: Duration, now: ContinuousClock.Instant) {
        self.bytesPerSecond = bytesPerSecond
        self.window = window
        began = now
    }

    /// Counts received bytes.
    ///
    /// - Returns: The rate in bytes per second when it was too low for a whole window; otherwise nil.
    mutating func add(_ count: Int, at now: ContinuousClock.Instant) -> Int? {
        bytes += count
        let passed = now - began
        guard passed >= window else { return nil }
        let rate = Int(min(Double(bytes) / max(passed.seconds, 0.001), 1e15))
        (began, bytes) = (now, 0)
        return rate < bytesPerSecond ? rate : nil
    }
}
