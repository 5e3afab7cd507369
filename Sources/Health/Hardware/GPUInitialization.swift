import NodeModel

/// Why NVIDIA's driver could not initialize a GPU, as the kernel log says it.
///
/// The words are those of the driver and of the kernel. The first cause that a line names counts, because a failure of a
/// special kind is followed by the general one, `RmInitAdapter failed!`.
enum GPUInitialization: CaseIterable, Sendable {
    /// The kernel modules are proprietary, and the GPU works only with open ones.
    case needsOpenModules
    /// The kernel modules are open, and the GPU does not work with them.
    case needsProprietaryModules
    /// The release of the driver does not know the GPU.
    case unsupported
    case noPower
    /// The GPU has no addresses for a memory region.
    case noMemoryRegions
    /// Another driver claimed the registers of the GPU.
    case registersTaken
    /// A file with the firmware of the GPU is missing.
    case noFirmware
    /// The driver gives only a number, or no reason at all.
    case failed

    /// Finds the cause in the kernel log; nil when no line says that the initialization failed.
    ///
    /// - Parameters:
    ///   - lines: What the kernel log says about the GPU.
    ///   - gpu: The GPU, which is on the bus and which NVML does not list.
    init?(_ lines: [String], of gpu: PCIFunction) {
        let cause = Self.allCases.first { cause in
            // The kernel can find addresses after it said that there are none, and some GPUs have a BAR without a size.
            guard cause != .noMemoryRegions || !gpu.hasItsRegions else { return false }
            return lines.contains(where: cause.isNamed)
        }
        guard let cause else { return nil }
        self = cause
    }

    private func isNamed(in line: String) -> Bool {
        switch self {
        case .needsOpenModules: line.contains("requires use of the NVIDIA open kernel modules")
        case .needsProprietaryModules: line.contains("is not supported by open")
        case .unsupported: line.contains("is not supported by the")
        case .noPower: line.contains("does not have the necessary power cables connected")
        case .noMemoryRegions: Self.namesRegion(line)
        case .registersTaken: line.contains("request_mem_region failed")
        // The error -2 is ENOENT.
        case .noFirmware:
            line.hasPrefix("nvidia ") && line.contains("firmware load for nvidia/")
                && line.hasSuffix("failed with error -2")
        case .failed: line.contains("RmInitAdapter failed")
        }
    }

    private static func namesRegion(_ line: String) -> Bool {
        if line.contains("PCI I/O region assigned to your NVIDIA device is invalid") { return true }
        if line.contains("NVRM: BAR"), line.contains(" is 0M @ ") { return true }
        // From BAR 7 on, the kernel counts the regions of the virtual functions.
        guard line.contains("no space"), let start = line.firstRange(of: ": BAR ")?.upperBound else { return false }
        return Int(line[start...].prefix { $0.isNumber }).map { $0 <= 5 } ?? false
    }

    /// Whether the cause is in the GPU or its machine, and not in the files or the configuration of the host.
    var isOfGPU: Bool {
        switch self {
        case .noPower, .noMemoryRegions, .failed: true
        case .needsOpenModules, .needsProprietaryModules, .unsupported, .registersTaken, .noFirmware: false
        }
    }

    /// What is wrong, as a clause.
    var text: String {
        switch self {
        case .needsOpenModules: "the GPU needs open kernel modules, and those of the driver are proprietary"
        case .needsProprietaryModules: "the open kernel modules do not support the GPU"
        case .unsupported: "this version of the driver does not support the GPU"
        case .noPower: "the power cables of the GPU are not connected"
        case .noMemoryRegions: "the GPU has no addresses for a memory region (BAR)"
        case .registersTaken: "another driver claimed the registers of the GPU"
        case .noFirmware: "a firmware file of the driver is missing"
        case .failed: "the driver failed to initialize the GPU"
        }
    }

    /// What to do about these GPUs.
    func remedy(for gpus: [PCIFunction], on node: CheckedNode) -> Remedy {
        switch self {
        case .needsOpenModules, .needsProprietaryModules, .unsupported:
            .replacingDriver(on: node, "the agent chooses a driver that supports the GPU")
        case .noPower: "Power the node off, connect the power cables of the GPU, and power the node on."
        case .noMemoryRegions: MemoryWindow(of: node).remedy(for: gpus)
        case .registersTaken:
            """
            Find the driver of the GPU's addresses in /proc/iomem, such as efifb or nvidiafb, and keep it from loading. \
            Then reboot the node.
            """
        case .noFirmware:
            """
            Install the firmware of the driver\(Self.version(on: node)) in /lib/firmware/nvidia, or install the driver \
            again. Then load the kernel modules again, or reboot the node.
            """
        case .failed where gpus.contains { $0.vgpuCapability.value != nil }:
            """
            Reboot the virtual machine. If the vGPU fails again, compare the driver with the vGPU manager of the host, \
            and read the kernel log of the host.
            """
        case .failed:
            """
            Power the node off and on, because a reboot does not reset every GPU. If the GPU fails again, install the \
            newest firmware of the machine and of the GPU. Then test the GPU in another machine, or replace it.
            """
        }
    }

    private static func version(on node: CheckedNode) -> String {
        node.facts.driver.loadedVersion.value.map { " \($0)" } ?? ""
    }
}

extension NodeFacts {
    /// The GPUs that NVML does not list and about which the kernel log says why.
    var uninitializedGPUs: [(gpu: PCIFunction, cause: GPUInitialization)] {
        unlistedGPUs.compactMap { gpu in
            GPUInitialization(kernelLogLines(about: [gpu.address]), of: gpu).map { (gpu, $0) }
        }
    }
}

extension PCIFunction {
    /// Whether the kernel shows every region that a GPU needs, with addresses; false when it does not show the regions.
    fileprivate var hasItsRegions: Bool {
        memoryRegions?.value != nil && unassignedRegions.isEmpty && !lacksRegisters && !lacksMemoryWindow
    }
}
