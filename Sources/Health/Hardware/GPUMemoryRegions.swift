package import NodeModel
import Support

extension ReasonCode {
    package static let gpuMemoryRegions = ReasonCode("gpu-memory-regions")
}

extension Check {
    static let gpuMemoryRegions = Check(
        .gpuMemoryRegions,
        title: "every GPU has its memory regions (BARs)",
        group: .hardware,
        phase: .discover,
        meaning:
            "The firmware or the hypervisor did not give a GPU the memory addresses that its BARs need. The GPU is on "
            + "the PCI bus, but no driver can initialize it: `nvidia-smi` says `No devices were found`, and the kernel "
            + "log has `BAR1 is 0M @ 0x0` or `RmInitAdapter failed`. If other GPUs have their regions, the finding is a "
            + "warning.",
        advice:
            "On a physical machine, turn on \"Above 4G Decoding\" (64-bit MMIO) in the firmware. In a virtual machine, "
            + "give the machine more 64-bit MMIO space. On VMware vSphere, set `pciPassthru.use64bitMMIO=TRUE` and "
            + "`pciPassthru.64bitMMIOSizeGB`. On Hyper-V, use `Set-VM -HighMemoryMappedIoSpace`. On QEMU with OVMF, set "
            + "`-fw_cfg name=opt/ovmf/X-PciMmio64Mb,string=MEBIBYTES`."
    ) { node in
        // A GPU that is lost or that another driver holds has its own finding.
        let gpus = node.facts.gpus.filter { !$0.isLost && $0.holder == .nobodyElse && $0.memoryRegions?.value != nil }
        let working = Set((node.nvml?.gpus ?? []).filter(\.faults.isEmpty).compactMap(\.pciAddress.value))
        let bad = gpus.filter { gpu in
            !working.contains(gpu.address) && (!gpu.unassignedRegions.isEmpty || lacksRegisters(gpu, on: node))
        }
        guard !bad.isEmpty else { return nil }
        let names = bad.map { gpu in
            let regions = gpu.unassignedRegions.map(\.name) + (lacksRegisters(gpu, on: node) ? ["BAR 0"] : [])
            return "\(gpu.address): no addresses for \(regions.joined(separator: ", "))"
        }
        let expected = "addresses for the BARs of every GPU"
        let need = bad.flatMap(\.unassignedRegions).reduce(0) { boundedSum($0, $1.size) }
        let observed = shortList(names) + node.facts.kernelLogRemark(about: bad.map(\.address))
        let remedy: Remedy = node.isVirtualMachine ? .moreMMIO(need) : .above4G
        return bad.count < gpus.count
            ? .warning(observed, expected: expected, remedy: remedy)
            : .failed(observed, expected: expected, remedy: remedy)
    }

    /// Whether the kernel shows no registers of a GPU that NVML does not list.
    ///
    /// As long as NVML does not answer, nothing says that they are the cause.
    private static func lacksRegisters(_ gpu: PCIFunction, on node: CheckedNode) -> Bool {
        node.nvml != nil && gpu.lacksRegisters
    }
}

extension Remedy {
    fileprivate static let above4G: Remedy = """
        Turn on "Above 4G Decoding" (64-bit MMIO) in the firmware of the machine, and install its newest version. \
        Then power the machine off and on.
        """

    // `bytes` is the size of the regions without addresses; 0 when it is not known.
    fileprivate static func moreMMIO(_ bytes: Int) -> Remedy {
        let need = bytes >= 1 << 30 ? ": these regions need \((bytes + (1 << 30) - 1) >> 30) GiB" : ""
        return """
            Give the virtual machine more 64-bit MMIO space\(need). The page of this code names the setting of each \
            hypervisor. Then power the machine off and on.
            """
    }
}
