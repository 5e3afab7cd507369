package import NodeModel
import Support

extension ReasonCode {
    package static let gpuUnreadable = ReasonCode("gpu-unreadable")
}

extension Check {
    static let gpuUnreadable = Check(
        .gpuUnreadable,
        title: "NVML reads every GPU",
        group: .gpus,
        phase: .use,
        dependsOn: [.gpuCount],
        settlesWithin: .seconds(60),
        meaning: "An NVML call about a GPU returns an error, such as `NVML_ERROR_GPU_IS_LOST`. If other GPUs have no "
            + "error, the finding is a warning.",
        advice: "The remedy of the finding depends on the error code. For most codes, read the kernel log and look for "
            + "Xid errors of that GPU."
    ) { node in
        guard let nvml = node.nvml else { return nil }
        let expected = "no error from NVML"
        let faulty = node.faultyGPUs
        if nvml.gpus.isEmpty { return .failed("NVML lists no GPU.", expected: expected, remedy: .readXidLines) }
        guard !faulty.isEmpty else { return .passed("\(counted(nvml.gpus.count, "GPU")) read", expected: expected) }
        let remedy = Remedy.faults(of: faulty, on: node)
        let faults = faulty.map { gpu in (subject: gpu.label, text: gpu.faults.map(\.detail).joined(separator: ", ")) }
        let observed =
            grouped(faults).map { "\(shortList($0.subjects)): \($0.text)" }.joined(separator: "; ")
            + node.facts.kernelLogRemark(about: node.facts.failingGPUs)
        return faulty.count < nvml.gpus.count
            ? .warning(observed, expected: expected, remedy: remedy)
            : .failed(observed, expected: expected, remedy: remedy)
    }
}
