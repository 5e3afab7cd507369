import NodeModel
import Support

/// The memory addresses that a machine has for the regions of its GPUs, and how to get more of them.
///
/// The firmware or the hypervisor sets a window of addresses aside. When it is missing or too small, a GPU is on the
/// PCI bus and cannot be initialized.
struct MemoryWindow {
    private let isVirtualMachine: Bool
    /// What the GPUs of a virtual machine need together, by the catalog; 0 when it does not know their need.
    private let knownNeed: Int
    /// The number of GPUs in that need.
    private let knownGPUs: Int
    /// Whether the window begins above 4 GiB; nil when the facts do not say it.
    private let isAbove4G: Bool?
    /// The virtual functions of each GPU that has some.
    private let virtualFunctions: [(address: PCIAddress, count: Int)]

    init(of node: CheckedNode) {
        let gpus = node.facts.gpus.filter { $0.physicalFunction.value == nil }
        let needs = gpus.compactMap { node.mmioGiB[$0.id] }
        isVirtualMachine = node.isVirtualMachine
        knownNeed = needs.reduce(0, boundedSum)
        knownGPUs = needs.count
        virtualFunctions = gpus.compactMap { gpu in
            gpu.sriovVFs?.value.flatMap { $0 > 0 ? (gpu.address, $0) : nil }
        }
        let regions = gpus.flatMap { $0.memoryRegions?.value ?? [] }
        if regions.contains(where: { $0.isAbove4G == true }) {
            isAbove4G = true
        } else {
            let isKnown = regions.allSatisfy { $0.is64Bit != nil } && regions.contains { $0.is64Bit == true }
            isAbove4G = isKnown ? false : nil
        }
    }

    /// What to do when these GPUs have no addresses for some of their regions.
    func remedy(for gpus: [PCIFunction]) -> Remedy {
        guard isVirtualMachine else { return Remedy("\(firmware) Then power the machine off and on.") }
        let bytes = gpus.flatMap(\.unassignedRegions).reduce(0) { boundedSum($0, $1.size) }
        let missing = bytes >= 1 << 30 ? (bytes - 1) >> 30 + 1 : 0
        let need =
            if knownNeed > 0, knownNeed >= missing {
                ": \(counted(knownGPUs, "GPU")) of this kind need\(knownGPUs == 1 ? "s" : "") \(knownNeed) GiB"
            } else {
                missing > 0 ? ": these regions need \(missing) GiB" : ""
            }
        return Remedy(
            """
            Give the virtual machine more 64-bit MMIO space\(need).\(sharing) The page of this code names the setting \
            of each hypervisor. Then power the machine off and on.
            """
        )
    }

    private var firmware: String {
        switch isAbove4G {
        case nil:
            """
            Turn on "Above 4G Decoding" (64-bit MMIO) in the firmware of the machine, and install its newest version.\
            \(sharing)
            """
        case false?:
            """
            Turn on "Above 4G Decoding" (64-bit MMIO) in the firmware of the machine, and install its newest version. \
            It is off: no region of a GPU is above 4 GiB.\(sharing)
            """
        case true?:
            """
            Enlarge the window for 64-bit MMIO in the firmware of the machine ("MMIO High Size"), and install its \
            newest version. "Above 4G Decoding" is on, and the window is too small.\(sharing) Without such a setting, \
            boot with the kernel parameter pci=realloc.
            """
        }
    }

    /// Which virtual functions take a part of the window, as a sentence after a space; empty when there are none.
    private var sharing: String {
        guard !virtualFunctions.isEmpty else { return "" }
        let list = virtualFunctions.map { "\(counted($0.count, "virtual function")) of \($0.address)" }
        let verb = virtualFunctions.count == 1 && virtualFunctions[0].count == 1 ? "takes" : "take"
        return " \(shortList(list)) \(verb) a part of the window."
    }
}

extension CheckedNode {
    /// The GPUs that the firmware, the hypervisor or the kernel gave no addresses for a region, each with the names of
    /// these regions.
    var gpusWithoutRegions: [(gpu: PCIFunction, regions: [String])] {
        let working = Set((nvml?.gpus ?? []).filter(\.faults.isEmpty).compactMap(\.pciAddress.value))
        return gpusWithKnownRegions.compactMap { gpu in
            guard !working.contains(gpu.address) else { return nil }
            let regions = gpu.unassignedRegions.map(\.name) + droppedRegions(of: gpu)
            return regions.isEmpty ? nil : (gpu, regions)
        }
    }

    /// The GPUs whose memory regions are known and are a matter of NVIDIA's driver.
    ///
    /// A GPU that is lost or that another driver holds has its own finding.
    var gpusWithKnownRegions: [PCIFunction] {
        facts.gpus.filter { !$0.isLost && $0.holder == .nobodyElse && $0.memoryRegions?.value != nil }
    }

    /// The regions that the kernel does not show, of a GPU that NVML does not list.
    ///
    /// As long as NVML does not answer, nothing says that they are the cause. A window to the memory counts only for a
    /// GPU that is known to need one.
    private func droppedRegions(of gpu: PCIFunction) -> [String] {
        if lacksRegisters(gpu) { return ["BAR 0"] }
        let isMissed = nvml != nil && gpu.lacksMemoryWindow && gpu.unassignedRegions.isEmpty && mmioGiB[gpu.id] != nil
        return isMissed ? ["the window to its memory"] : []
    }

    private func lacksRegisters(_ gpu: PCIFunction) -> Bool {
        nvml != nil && gpu.lacksRegisters
    }
}
