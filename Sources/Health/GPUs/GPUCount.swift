package import NodeModel
import Selection

extension ReasonCode {
    package static let gpuCount = ReasonCode("gpu-count")
}

extension Check {
    static let gpuCount = Check(
        .gpuCount,
        title: "NVML lists every GPU on the PCI bus",
        group: .gpus,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuNotInitialized],
        // During its reset, a GPU is missing for some seconds.
        settlesWithin: .seconds(60),
        meaning: "NVML does not list a GPU that is on the PCI bus. If it lists other GPUs, the finding is a warning.",
        advice: "Read the kernel log and look for the missing GPU. A reboot may bring it back."
    ) { node in
        guard let nvml = node.nvml else { return nil }
        let seen = Set(nvml.gpus.compactMap(\.pciAddress.value))
        // NVIDIA's driver does not see a GPU that a display driver holds. One that does not answer or that the driver
        // cannot initialize has its own finding.
        let explained = Set(node.uninitializedGPUs.map(\.gpu.address))
        let gpus = node.facts.gpus.filter {
            $0.holder == .nobodyElse && !$0.isLost && !explained.contains($0.address)
        }
        let missing = gpus.map(\.address).filter { !seen.contains($0) }
        let expected = "every GPU on the PCI bus"
        guard !missing.isEmpty else {
            return explained.isEmpty ? .passed("\(gpus.count) of \(gpus.count)", expected: expected) : nil
        }
        let list = missing.map(\.description).joined(separator: ", ")
        let remedy: Remedy = "Read the kernel log (dmesg) and look for the missing GPUs. A reboot may bring them back."
        let observed =
            "\(gpus.count - missing.count) of \(gpus.count), missing: \(list)"
            + node.facts.kernelLogRemark(about: missing)
        guard missing.count == gpus.count else { return .warning(observed, expected: expected, remedy: remedy) }
        // The report omits the findings about single GPUs, so this one includes the errors of NVML.
        let errors = nvml.gpus.compactMap { gpu in gpu.pciAddress.failure.map { "GPU \(gpu.index): \($0.detail)" } }
        return .failed(([observed] + errors).joined(separator: "; "), expected: expected, remedy: remedy)
    }
}
