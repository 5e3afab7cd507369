import Support

/// The line of a terminal that shows how far a running step is.
package struct StepProgress: Sendable, Equatable {
    /// How long the step took in the last install, in seconds; nil when it is not known.
    package var usualSeconds: Double?
    /// The bytes downloaded so far; nil when the step has no download.
    package var received: Int?
    /// The size of the download in bytes; nil when the server does not report it.
    package var total: Int?
    /// The bytes that an earlier attempt had downloaded.
    private var earlier: Int?
    /// The seconds after which this attempt received its first bytes.
    private var firstBytes: Double?
    /// The last line of the program's output.
    package var lastLine: String?

    package init(usualSeconds: Double? = nil) {
        self.usualSeconds = usualSeconds
    }

    /// Takes the state of the download, which the step reached after some seconds.
    package mutating func take(received: Int, total: Int?, after seconds: Double) {
        // A download that starts again has fewer bytes than the earlier attempt.
        if earlier.map({ received < $0 }) ?? true { (earlier, firstBytes) = (received, seconds) }
        (self.received, self.total) = (received, total)
    }

    /// The text after some seconds of the step, on one line.
    package func text(after seconds: Double) -> String {
        let elapsed = Self.whole(seconds)
        guard let received else {
            let usual = usualSeconds.map { " of about \(Self.whole($0))" } ?? ""
            return elapsed + usual + (lastLine.map { ": \(redacted($0).visible)" } ?? "")
        }
        let size = total.map { total in "\(percent(received, total)) % of \(total >> 20) MiB" }
        var parts = [size ?? "\(received >> 20) MiB"]
        if let rate = rate(at: seconds) {
            parts.append(rate < 1_048_576 ? "\(Int(rate) >> 10) KiB/s" : "\(Int(rate) >> 20) MiB/s")
            if let total, total > received { parts.append("\(Self.whole(Double(total - received) / rate)) left") }
        }
        return (parts + [elapsed]).joined(separator: ", ")
    }

    /// The bytes per second of this attempt; nil until a second has passed.
    private func rate(at seconds: Double) -> Double? {
        guard let received, let earlier, let firstBytes, seconds - firstBytes >= 1, received > earlier else {
            return nil
        }
        return min(Double(received - earlier) / (seconds - firstBytes), 1e15)
    }

    private func percent(_ part: Int, _ total: Int) -> Int {
        total > 0 ? Int(min(100, Double(part) / Double(total) * 100)) : 100
    }

    /// The duration without a fraction, which would only flicker.
    private static func whole(_ seconds: Double) -> String {
        seconds < 10 ? "\(Int(max(0, seconds))) s" : spoken(seconds: seconds.rounded(.down))
    }
}
