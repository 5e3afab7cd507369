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
            "On a physical machine, turn on \"Above 4G Decoding\" (64-bit MMIO) in the firmware. When it is on and regions "
            + "of GPUs are above 4 GiB, the window is too small: enlarge it (\"MMIO High Size\"), turn off virtual "
            + "functions that nothing uses, or boot with the kernel parameter `pci=realloc`. In a virtual machine, "
            + "give the machine more 64-bit MMIO space. The catalog has what NVIDIA names for a GPU (`mmioGiB`). On "
            + "VMware vSphere, set `pciPassthru.use64bitMMIO=TRUE` and `pciPassthru.64bitMMIOSizeGB`. On Hyper-V, use `Set-VM -HighMemoryMappedIoSpace`. On QEMU with OVMF, set "
            + "`-fw_cfg name=opt/ovmf/X-PciMmio64Mb,string=MEBIBYTES`."
    ) { node in
        let bad = node.gpusWithoutRegions
        guard !bad.isEmpty else { return nil }
        let gpus = bad.map(\.gpu)
        let names = bad.map { "\($0.gpu.address): no addresses for \($0.regions.joined(separator: ", "))" }
        let expected = "addresses for the BARs of every GPU"
        let observed = shortList(names) + node.facts.kernelLogRemark(about: gpus.map(\.address))
        let remedy = MemoryWindow(of: node).remedy(for: gpus)
        return bad.count < node.gpusWithKnownRegions.count
            ? .warning(observed, expected: expected, remedy: remedy)
            : .failed(observed, expected: expected, remedy: remedy)
    }
}
