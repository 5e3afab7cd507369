import NodeModel

/// Whether the GPUs of a node work now, for each GPU.
///
/// This is the test that a GPU must pass after its reset or after a reboot.
struct GPUTest: Sendable, Equatable {
    /// The GPUs on the PCI bus.
    private let gpus: [PCIFunction]
    private let nvml: [GPUFacts]?
    private let cudaWorks: Bool

    init(gpus: [PCIFunction], nvml: [GPUFacts]?, cudaWorks: Bool) {
        self.gpus = gpus
        self.nvml = nvml
        self.cudaWorks = cudaWorks
    }

    init(_ node: CheckedNode) {
        self.init(
            gpus: node.facts.gpus,
            nvml: node.nvml?.gpus,
            cudaWorks: Check.cudaFailed.outcome(on: node)?.state == .pass
        )
    }

    var addresses: [PCIAddress] { gpus.map(\.address) }

    /// The address of the GPU with this UUID; nil when NVML does not list it.
    func address(of uuid: String) -> PCIAddress? {
        nvml?.first { $0.uuid.value == uuid }?.pciAddress.value
    }

    /// The UUID of the GPU at this address; nil when NVML does not tell it.
    func uuid(at address: PCIAddress) -> String? { answer(at: address)?.uuid.value }

    /// The recovery action that NVML reports for the GPU at this address; nil when it reports none that is known.
    func recovery(at address: PCIAddress) -> RecoveryAction? {
        guard case .text(let name) = answer(at: address)?.traits[.recoveryAction].value else { return nil }
        return RecoveryAction(nvml: name)
    }

    private func answer(at address: PCIAddress) -> GPUFacts? {
        nvml?.first { $0.pciAddress.value.map { $0.sameSlot(address) } ?? false }
    }

    /// Why the GPU at this address does not pass, as a clause; nil when it passes.
    func failure(at address: PCIAddress) -> String? {
        guard let gpu = gpus.first(where: { $0.address.sameSlot(address) }) else {
            return "the GPU is not on the PCI bus"
        }
        if gpu.isLost { return "the GPU does not answer on the PCI bus" }
        guard nvml != nil else { return "NVML does not answer" }
        guard let answer = answer(at: address) else { return "NVML does not list the GPU" }
        if !answer.faults.isEmpty { return "NVML reports an error about the GPU" }
        return cudaWorks ? nil : "CUDA does not work"
    }

    /// Why one of the GPUs does not pass; nil when all pass.
    var failure: String? {
        if gpus.isEmpty { return "the node has no GPU" }
        return gpus.lazy.compactMap { failure(at: $0.address) }.first
    }
}
