import NodeModel

extension Metrics {
    /// How many GPUs and MIG devices the node has.
    var gpuFamilies: [MetricFamily] { [gpus, migDevices] }

    /// The GPUs in NVML, in its order; none when NVML did not answer.
    var nvmlGPUs: [GPUFacts] { facts.vendor.value?.nvml.value?.gpus ?? [] }

    private var gpus: MetricFamily {
        var family = MetricFamily("gpu_agent_gpus", "The number of GPUs that the agent manages, by source.")
            .sample([("source", "pci")], Double(facts.gpus.count))
        if let seen = facts.seenGPUs.value {
            family = family.sample([("source", "seen")], Double(seen.addresses.count))
        }
        guard let nvml = facts.vendor.value?.nvml.value else { return family }
        return
            family
            .sample([("source", "nvml")], Double(nvml.gpus.count))
            .sample([("source", "mig")], Double(nvml.gpus.reduce(0) { $0 + ($1.migDevices.value?.count ?? 0) }))
    }

    /// The MIG devices; left out when those of a GPU are not known, because a part of them would look like a loss.
    private var migDevices: MetricFamily {
        let family = MetricFamily("gpu_agent_mig_devices", "The number of MIG devices by profile.")
        let readings = nvmlGPUs.map(\.migDevices)
        guard readings.allSatisfy({ $0.failure == nil }) else { return family }
        let profiles = readings.flatMap { $0.value ?? [] }.map(\.profile)
        let counts = Dictionary(profiles.map { ($0, 1) }, uniquingKeysWith: +).sorted { $0.key < $1.key }
        return counts.prefix(Self.profileLimit).reduce(family) { $0.sample([("profile", $1.key)], Double($1.value)) }
    }

    /// The most profiles with a sample; a GPU has about a dozen.
    private static let profileLimit = 64
}
