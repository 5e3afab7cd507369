import NodeModel

extension Check {
    static let gpuUnreadable = Check(
        .gpuUnreadable,
        title: "NVML reads every GPU",
        group: .gpus,
        phase: .use,
        dependsOn: [.gpuCount],
        settlesWithin: .seconds(60),
        meaning: "NVML returns an error for a GPU. If it reads other GPUs, the finding is a warning.",
        advice: "Read the kernel log and look for Xid errors of that GPU."
    ) { node in
        guard let nvml = node.nvml else { return nil }
        let expected = "no error from NVML"
        let lost = nvml.gpus.compactMap { gpu in
            (gpu.uuid.failure ?? gpu.migMode.failure ?? gpu.migDevices.failure).map { "GPU \(gpu.index): \($0.detail)" }
        }
        if nvml.gpus.isEmpty { return .failed("NVML lists no GPU.", expected: expected, remedy: .readXidLines) }
        guard !lost.isEmpty else { return .passed("\(counted(nvml.gpus.count, "GPU")) read", expected: expected) }
        let observed = lost.joined(separator: "; ")
        return lost.count < nvml.gpus.count
            ? .warning(observed, expected: expected, remedy: .readXidLines)
            : .failed(observed, expected: expected, remedy: .readXidLines)
    }
}
