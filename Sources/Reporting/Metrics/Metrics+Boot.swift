import NodeModel
import Support

extension Metrics {
    /// How long the node took from the boot until its GPUs worked.
    var bootFamilies: [MetricFamily] {
        let phases = MetricFamily(
            "gpu_agent_cold_start_seconds",
            "When a phase of the start of this node ended, in seconds after the start of the kernel."
        )
        return [
            MetricFamily(
                "gpu_agent_boot_timestamp_seconds",
                "When the kernel of the node started, in seconds since 1970."
            ).sample([], boot?.started.seconds),
            BootRecord.Phase.allCases.reduce(phases) { $0.sample([("phase", $1.rawValue)], boot?.coldStart[$1]) },
            MetricFamily(
                "gpu_agent_boot_to_ready_seconds",
                "How long the node took from the start of the kernel until its GPUs worked for the first time."
            ).sample([], boot?.coldStart[.ready]),
        ]
    }
}
