import FoundationEssentials

/// Seconds since 1970.
package func now() -> Double { Date().timeIntervalSince1970 }

extension Duration {
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
