import Reporting

/// The number of requests by verb, resource and outcome.
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
        counts.map { request, count in
            Metrics.APIRequestCount(
                verb: request.verb,
                resource: Self.resources[request.verb] ?? "nodes",
                outcome: request.outcome,
                count: count
            )
        }
        .sorted { ($0.verb, $0.outcome) < ($1.verb, $1.outcome) }
    }

    /// What the requests are about that are not about the Node itself.
    private static let resources = [
        "event": "events", "list": "resourceslices", "apply-status": "nodes/status",
    ]
}
