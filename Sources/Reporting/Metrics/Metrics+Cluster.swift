import NodeModel
import Support

extension Metrics {
    /// What the agent wrote to its Node, and its requests.
    var clusterFamilies: [MetricFamily] {
        let taintedSince = published?.tainted == true ? published?.taintedSince : nil
        return [
            MetricFamily(
                "gpu_agent_last_publication_timestamp_seconds",
                "When the API server last accepted the state of the node, in seconds since 1970."
            ).sample([], published?.at?.seconds),
            MetricFamily("gpu_agent_tainted", "Whether the taint of the agent is on the Node.")
                .sample([], (published?.tainted).map { $0 ? 1 : 0 }),
            MetricFamily(
                "gpu_agent_taint_timestamp_seconds",
                "Since when the agent knows that its taint is on the Node, in seconds since 1970."
            ).sample([], taintedSince?.seconds),
            requests,
        ]
    }

    private var requests: MetricFamily {
        let name = "gpu_agent_api_requests_total"
        return apiRequests.reduce(MetricFamily(name, "The number of requests to the API server.", .counter)) {
            $0.sample([("verb", $1.verb), ("resource", $1.resource), ("outcome", $1.outcome)], Double($1.count))
        }
    }
}
