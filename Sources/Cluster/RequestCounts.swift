import Reporting

/// The number of requests by verb and outcome.
struct RequestCounts {
    private struct Request: Hashable {
        var verb: String
        var outcome: String
    }

    private var counts: [Request: Int] = [:]

    mutating func count(_ verb: String, _ outcome: String) {
        counts[Request(verb: verb, outcome: outcome), default: 0] += 1
    }

    var all: [Metrics.APIRequestCount] {
        counts.map { Metrics.APIRequestCount(verb: $0.key.verb, outcome: $0.key.outcome, count: $0.value) }
            .sorted { ($0.verb, $0.outcome) < ($1.verb, $1.outcome) }
    }
}
