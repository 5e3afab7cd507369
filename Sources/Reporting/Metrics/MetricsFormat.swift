/// A text format for metrics.
package enum MetricsFormat: Sendable, CaseIterable {
    /// The text format of Prometheus, version 0.0.4, which every scraper reads.
    case text
    /// OpenMetrics, version 1.0.0, which also has units, and an end by which a cut answer is noticed.
    case openMetrics

    /// The value of the header `Content-Type`.
    package var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The last line of an answer; empty without one.
    package var end: String { self == .openMetrics ? "# EOF\n" : "" }

    /// Chooses the format that a scraper prefers.
    ///
    /// OpenMetrics must be named. `*/*`, no header and a header that cannot be read all mean the older format, so that a
    /// person with curl and an old scraper get what they can read.
    ///
    /// - Parameter accept: The header `Accept` of RFC 9110; nil without one.
    package init(accept: String?) {
        let ranges = (accept ?? "").split(separator: ",").prefix(Self.rangeLimit).compactMap(MediaRange.init)
        let metrics = ranges.filter(\.isOpenMetrics).map(\.quality).max() ?? 0
        let text = ranges.filter(\.isText).map(\.quality).max() ?? 0
        self = metrics > 0 && metrics >= text ? .openMetrics : .text
    }

    /// The most parts of a header that are read; Prometheus sends five.
    private static let rangeLimit = 32
}

/// One part of the header `Accept`, such as `application/openmetrics-text;version=1.0.0;q=0.5`.
private struct MediaRange {
    let type: String
    let version: String?
    /// From 0 to 1; 0 refuses the type.
    let quality: Double

    init?(_ part: Substring) {
        // Blanks can stand around each sign, and mean nothing.
        let fields = part.lowercased().filter { $0 != " " && $0 != "\t" }.split(separator: ";")
        guard let type = fields.first else { return nil }
        self.type = String(type)
        var (version, quality): (String?, Double) = (nil, 1)
        for field in fields.dropFirst() {
            let pair = field.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            if pair[0] == "version" { version = String(pair[1].filter { $0 != "\"" }) }
            if pair[0] == "q" {
                guard let number = Double(pair[1]), (0...1).contains(number) else { return nil }
                quality = number
            }
        }
        (self.version, self.quality) = (version, quality)
    }

    /// Version 0.0.1 is the draft, which differs from what the agent writes.
    var isOpenMetrics: Bool { type == "application/openmetrics-text" && [nil, "1.0.0"].contains(version) }

    var isText: Bool { ["text/plain", "text/*", "*/*"].contains(type) }
}
