import NodeModel

extension Metrics {
    /// What the GPUs did at the last inspection, for a cluster without NVIDIA's DCGM exporter.
    var usageFamilies: [MetricFamily] {
        Usage.all.map { usage in
            nvmlGPUs.prefix(Self.gpuLimit).reduce(MetricFamily(usage.name, usage.help)) { family, gpu in
                // The index changes with a boot, so a GPU without a UUID cannot be told from the others.
                guard let uuid = gpu.uuid.value else { return family }
                return family.sample([("gpu", "\(gpu.index)"), ("uuid", uuid)], usage.value(gpu))
            }
        }
    }

    /// The most GPUs with samples; no machine has more.
    private static let gpuLimit = 64
}

/// One thing that is measured of each GPU.
private struct Usage: Sendable {
    let name: String
    let help: String
    let value: @Sendable (GPUFacts) -> Double?

    /// In the base units of Prometheus; NVML has milliwatts, percent and MiB.
    static let all = [
        Usage(name: "gpu_agent_gpu_temperature_celsius", help: "The temperature of a GPU.") {
            $0.number(.temperature)
        },
        Usage(name: "gpu_agent_gpu_power_watts", help: "The power that the board of a GPU draws.") {
            $0.number(.power).map { $0 / 1000 }
        },
        Usage(
            name: "gpu_agent_gpu_utilization_ratio",
            help: "The share of the second before the inspection in which a GPU computed, from 0 to 1."
        ) {
            $0.number(.gpuUtilization).map { $0 / 100 }
        },
        Usage(name: "gpu_agent_gpu_memory_used_bytes", help: "The memory of a GPU that is in use.") {
            $0.number(.memoryUsedMiB).map { $0 * 1_048_576 }
        },
        Usage(name: "gpu_agent_gpu_memory_total_bytes", help: "The memory of a GPU.") {
            $0.memoryMiB.value.map { Double($0) * 1_048_576 }
        },
    ]
}

extension GPUFacts {
    fileprivate func number(_ trait: GPUTrait) -> Double? {
        guard case .number(let number) = traits[trait].value else { return nil }
        return Double(number)
    }
}
