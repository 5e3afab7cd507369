extension Metrics {
    /// When the agent last inspected the node, and how long that took.
    var inspectionFamilies: [MetricFamily] {
        let help = "How long a part of the inspection took when it last ran."
        return [
            MetricFamily(
                "gpu_agent_last_look_timestamp_seconds",
                "When the agent last inspected the node, in seconds since 1970."
            ).sample([], lookedAt),
            MetricFamily("gpu_agent_inspection_duration_seconds", "How long the last inspection of the node took.")
                .sample([], inspectionSeconds),
            ProbePart.allCases.reduce(MetricFamily("gpu_agent_probe_duration_seconds", help)) {
                $0.sample([("probe", $1.rawValue)], probes[$1])
            },
        ]
    }
}
