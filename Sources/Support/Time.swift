import FoundationEssentials

/// The current time, in seconds since 1970-01-01 00:00 UTC.
package func now() -> Double { Date().timeIntervalSince1970 }

extension Duration {
    /// The duration in seconds.
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
