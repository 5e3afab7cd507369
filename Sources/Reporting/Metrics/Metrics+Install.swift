import NodeModel

extension Metrics {
    /// The steps of the last install, and how often an install was tried since the boot.
    var installFamilies: [MetricFamily] { [steps, attempts, failures, failuresInARow] }

    private var steps: MetricFamily {
        let help = "The duration of each step of the last install."
        return (journal?.steps ?? []).reduce(MetricFamily("gpu_agent_install_step_seconds", help)) {
            $0.sample([("step", $1.step.rawValue), ("state", $1.state.rawValue)], $1.seconds)
        }
    }

    private var attempts: MetricFamily {
        MetricFamily(
            "gpu_agent_install_attempts_total",
            "How often the agent began or continued an install since the boot.",
            .counter
        ).sample([], (boot?.attempts).map(Double.init))
    }

    private var failures: MetricFamily {
        let family = MetricFamily(
            "gpu_agent_install_failures_total",
            "How often an install failed since the boot, by reason code.",
            .counter
        )
        return (boot?.failures ?? [:]).sorted { $0.key < $1.key }.reduce(family) {
            $0.sample([("code", $1.key)], Double($1.value))
        }
    }

    private var failuresInARow: MetricFamily {
        MetricFamily(
            "gpu_agent_install_consecutive_failures",
            "How often an install has failed since the last one that succeeded or since the boot."
        ).sample([], (boot?.failuresInARow).map(Double.init))
    }
}
