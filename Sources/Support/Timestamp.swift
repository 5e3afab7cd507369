import FoundationEssentials

/// A moment to the millisecond, written as RFC 3339 text in UTC: `2026-11-27T04:30:25.588Z`.
///
/// Documents of earlier versions have a number instead, of seconds since 1970; it is read too.
package struct Timestamp: Sendable, Hashable {
    /// Milliseconds since 1970.
    package let milliseconds: Int

    /// A moment given in seconds since 1970.
    ///
    /// A number outside the years 1970 to 9999 becomes the nearest moment in them.
    package init(_ seconds: Double) {
        milliseconds = Int(min(max(seconds.isNaN ? 0 : seconds * 1000, 0), 253_402_300_799_000).rounded())
    }

    /// Seconds since 1970.
    package var seconds: Double { Double(milliseconds) / 1000 }

    /// The text without the fraction of a second, as Kubernetes writes times: `2026-11-27T04:30:25Z`.
    package var wholeSeconds: String {
        Date(timeIntervalSince1970: Double(milliseconds / 1000)).formatted(.iso8601)
    }
}

extension Timestamp: CustomStringConvertible {
    package var description: String {
        let whole = wholeSeconds
        let digits = String(milliseconds % 1000 + 1000).dropFirst()
        return "\(whole.dropLast()).\(digits)Z"
    }

    /// Reads RFC 3339 text in UTC, with or without a fraction of a second; nil for any other text.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1)
        let whole = parts.count == 2 ? "\(parts[0])Z" : text
        guard let date = try? Date(whole, strategy: .iso8601) else { return nil }
        guard parts.count == 2 else {
            self.init(date.timeIntervalSince1970)
            return
        }
        let digits = parts[1].dropLast()
        guard parts[1].last == "Z", isDigits(digits, radix: 10), let fraction = Double("0.\(digits)") else {
            return nil
        }
        self.init(date.timeIntervalSince1970 + fraction)
    }
}

extension Timestamp: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let seconds = try? container.decode(Double.self) {
            self.init(seconds)
            return
        }
        let text = try container.decode(String.self)
        guard let read = Timestamp(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not an RFC 3339 time")
        }
        self = read
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
