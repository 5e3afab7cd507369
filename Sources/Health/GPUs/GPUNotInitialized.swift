package import NodeModel
import Support

extension ReasonCode {
    package static let gpuNotInitialized = ReasonCode("gpu-not-initialized")
}

extension Check {
    static let gpuNotInitialized = Check(
        .gpuNotInitialized,
        title: "the driver initializes every GPU on the PCI bus",
        group: .gpus,
        phase: .use,
        dependsOn: [.gpuMemoryRegions, .driverKindMismatch, .kernelModuleTypeMismatch, .nvmlUnavailable],
        // During its reset, a GPU is missing for some seconds.
        settlesWithin: .seconds(60),
        meaning:
            "NVML does not list a GPU that is on the PCI bus, and the kernel log says why: the GPU needs kernel modules of "
            + "another type or another version of the driver, its power cables are not connected, it has no memory "
            + "addresses, another driver claimed its registers, a firmware file is missing, or `RmInitAdapter failed!`. If "
            + "NVML lists other GPUs, the finding is a warning.",
        advice:
            "The remedy of the finding depends on the cause. `RmInitAdapter failed!` alone has numbers that only NVIDIA can "
            + "read: power the node off and on, install the newest firmware of the machine and of the GPU, and test the GPU "
            + "in another machine."
    ) { node in
        guard node.nvml != nil else { return nil }
        let bad = node.uninitializedGPUs
        guard let worst = bad.first?.cause else { return nil }
        let expected = "every GPU on the PCI bus is initialized"
        let causes = grouped(bad.map { (subject: "\($0.gpu.address)", text: $0.cause.text) })
        let observed =
            causes.map { "\(shortList($0.subjects)): \($0.text)" }.joined(separator: "; ")
            + node.facts.kernelLogRemark(about: bad.map(\.gpu.address))
        let remedy = worst.remedy(for: bad.filter { $0.cause == worst }.map(\.gpu), on: node)
        return (node.nvml?.gpus ?? []).contains { $0.pciAddress.value != nil }
            ? .warning(observed, expected: expected, remedy: remedy)
            : .failed(observed, expected: expected, remedy: remedy)
    }
}

extension CheckedNode {
    /// The GPUs that NVML does not list and about which the kernel log says why, the cause with the clearest remedy first.
    ///
    /// A GPU without memory regions has its own finding.
    var uninitializedGPUs: [(gpu: PCIFunction, cause: GPUInitialization)] {
        let withoutRegions = Set(gpusWithoutRegions.map(\.gpu.address))
        let found = facts.uninitializedGPUs.filter { !withoutRegions.contains($0.gpu.address) }
        return GPUInitialization.allCases.flatMap { cause in found.filter { $0.cause == cause } }
    }
}
