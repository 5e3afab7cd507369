package import NodeModel
import Selection
import Support

extension ReasonCode {
    package static let gpuMemoryWindowSmall = ReasonCode("gpu-memory-window-small")
}

extension Check {
    static let gpuMemoryWindowSmall = Check(
        .gpuMemoryWindowSmall,
        title: "the windows to the memory of the GPUs have their full size",
        group: .hardware,
        phase: .discover,
        dependsOn: [.gpuMemoryRegions],
        meaning:
            "Through one of its memory regions (mostly BAR 1), other devices and the processor reach the memory of a "
            + "GPU. The region of this GPU could be larger, or it is far smaller than GPUs of this kind need. CUDA works, so "
            + "the finding is a notice. Other devices, such as network cards with GPUDirect RDMA, can reach only a part of "
            + "the memory at a time, and programs that map much of it fail. The agent does not judge vGPUs and virtual "
            + "functions.",
        advice:
            "Turn on \"Resizable BAR\" and \"Above 4G Decoding\" in the firmware of the machine. On a card with display "
            + "outputs, such as the L40 or the RTX A6000, NVIDIA's Display Mode Selector also decides: without displays, "
            + "BAR 1 is as large as the memory. In a virtual machine, the hypervisor decides: turn on Resizable BAR on the "
            + "host, and give the machine more 64-bit MMIO space ([`gpu-memory-regions`](#gpu-memory-regions))."
    ) { node in
        // Not every vGPU says that it is one, but each has a GRID driver.
        guard node.decision.driver?.kind != .grid else { return nil }
        let judged = node.gpusWithKnownRegions.compactMap { gpu in
            gpu.isWholeCard ? gpu.memoryWindow.map { (gpu: gpu, window: $0) } : nil
        }
        guard !judged.isEmpty else { return nil }
        let expected = "windows as large as the GPUs allow"
        let small = judged.compactMap { gpu, window in
            shortfall(of: window, gpu, on: node).map { (subject: "\(gpu.address)", text: $0) }
        }
        guard !small.isEmpty else { return nil }
        return .notice(
            grouped(small).map { "\(shortList($0.subjects)): \($0.text)" }.joined(separator: "; "),
            expected: expected,
            remedy: node.isVirtualMachine ? .largerOnHost : .larger
        )
    }

    /// What a window lacks; nil when it is large enough, or nothing says how large it could be.
    private static func shortfall(of window: MemoryRegion, _ gpu: PCIFunction, on node: CheckedNode) -> String? {
        guard window.isAssigned else { return nil }
        let facts = node.nvml?.gpus.first { $0.pciAddress.value == gpu.address }
        guard facts?.virtualization.value != .vgpu else { return nil }
        // A window to the whole memory is large enough. Some BARs can be larger than that.
        if let memory = facts?.memoryMiB.value, window.size >> 20 >= memory { return nil }
        if let larger = window.largerSize {
            return "\(window.name) can have \(MemoryRegion.text(ofSize: larger))"
        }
        // The need of a GPU is two to four times its full window, so one of less than a quarter is not full.
        guard let need = node.mmioGiB[gpu.id], window.size >> 28 < need else { return nil }
        return "\(window.name) is small for a GPU that needs an MMIO space of \(need) GiB"
    }
}

extension PCIFunction {
    /// Whether nothing says that the function is a part of a GPU: a vGPU or a virtual function.
    fileprivate var isWholeCard: Bool { vgpuCapability.value == nil && physicalFunction.value == nil }
}

extension Remedy {
    fileprivate static let larger: Remedy = """
        Turn on "Resizable BAR" and "Above 4G Decoding" in the firmware of the machine, and power it off and on. On a \
        card with display outputs, select the mode without displays with NVIDIA's Display Mode Selector.
        """
    fileprivate static let largerOnHost: Remedy = """
        Turn on "Resizable BAR" on the host of the virtual machine, and give the machine more 64-bit MMIO space. Then \
        power it off and on.
        """
}
