import SimulatedCluster

/// The requests of a phase: how many of each kind, and how they spread over the seconds.
struct RequestRates {
    /// The number of requests by kind: `get`, `watch`, `apply`, `status`, `taint` or `event`.
    private(set) var counts: [String: Int] = [:]
    /// The most requests in one second of the clock.
    private(set) var peak = 0
    /// The number of requests that the server refused, or answered with an error.
    private(set) var failures = 0

    init(_ records: [RequestRecord]) {
        var seconds: [Int: Int] = [:]
        for record in records {
            counts[Self.kind(record), default: 0] += 1
            seconds[Int(record.time), default: 0] += 1
            if record.status == 0 || record.status >= 400 { failures += 1 }
        }
        peak = seconds.values.max() ?? 0
    }

    /// The number of requests apart from watches.
    var requests: Int { counts.reduce(0) { $1.key == "watch" ? $0 : $0 + $1.value } }
    /// The number of requests that write.
    var writes: Int { counts.reduce(0) { ["watch", "get"].contains($1.key) ? $0 : $0 + $1.value } }
    var watches: Int { counts["watch"] ?? 0 }

    private static func kind(_ record: RequestRecord) -> String {
        if record.target.contains("watch=") { return "watch" }
        if record.method == "GET" { return "get" }
        if record.method == "POST" { return "event" }
        if record.target.contains("/status") { return "status" }
        return record.contentType?.contains("json-patch") == true ? "taint" : "apply"
    }
}
