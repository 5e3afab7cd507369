import NodeModel
import Support

extension Metrics {
    /// The licenses of vGPUs; without samples on a node without one that needs a license.
    var licenseFamilies: [MetricFamily] { [licenses, licenseExpiry] }

    private var licensed: [GPUFacts] {
        nvmlGPUs.filter { $0.virtualization.value == .vgpu && !$0.license.isAbsent }
    }

    private var licenses: MetricFamily {
        let gpus = licensed
        let family = MetricFamily("gpu_agent_licenses", "The number of vGPUs that need a license, by its state.")
        guard !gpus.isEmpty else { return family }
        let answers = gpus.map { $0.license.value?.licensed }
        return
            family
            .sample([("state", "licensed")], Double(answers.count { $0 == true }))
            .sample([("state", "unlicensed")], Double(answers.count { $0 == false }))
            .sample([("state", "unknown")], Double(answers.count { $0 == nil }))
    }

    private var licenseExpiry: MetricFamily {
        let ends = licensed.compactMap(\.license.value).flatMap { $0.features ?? [] }.filter(\.licensed)
            .compactMap { $0.expires.flatMap(Timestamp.init) }
        return MetricFamily(
            "gpu_agent_license_expiry_timestamp_seconds",
            "When the first license of a vGPU on this node ends, in seconds since 1970."
        ).sample([], ends.map(\.seconds).min())
    }
}
