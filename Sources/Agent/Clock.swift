import FoundationEssentials

/// The current time, in seconds since 1970-01-01 00:00 UTC.
package func now() -> Double { Date().timeIntervalSince1970 }
