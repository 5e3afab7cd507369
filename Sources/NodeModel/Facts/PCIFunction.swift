/// A PCI function of vendor 10de, as the bus shows it.
///
/// No driver is needed to read it.
package struct PCIFunction: Codable, Sendable, Equatable {
    /// NVIDIA's PCI vendor ID.
    package static let nvidiaVendor: UInt16 = 0x10de

    package var address: PCIAddress
    /// The vendor ID and the device ID.
    ///
    /// A vGPU shows the device ID of the physical card.
    package var id: PCIID
    /// The subsystem vendor ID and the subsystem device ID.
    ///
    /// The device ID and the subsystem device ID together distinguish a vGPU from the physical card. The subsystem
    /// vendor ID proves nothing, because some clouds replace it.
    package var subsystem: Reading<PCIID>
    /// The name of the device in `pci.ids`; nil when the file does not name the device, or does not exist.
    package var name: String?
    /// The class and subclass: 0x0300 VGA controller, 0x0302 3D controller, 0x0403 audio, 0x0680 NVSwitch bridge.
    package var classCode: UInt16
    package var revision: UInt8
    /// The NUMA node; absent when the kernel reports none (-1).
    package var numaNode: Reading<Int>
    /// The kernel driver that is bound to the function, such as `nvidia`, `nouveau` or `vfio-pci`.
    package var kernelDriver: Reading<String>
    /// The DRM and frame buffer devices of the function, sorted, such as `card0`, `fb0` and `renderD128`.
    ///
    /// Absent when the bound kernel driver shows no images, and when no driver is bound.
    package var displayDevices: Reading<[String]>
    /// The kernel driver that shows the firmware's console on this GPU, such as `simple-framebuffer`.
    ///
    /// It is bound to a platform device below the function, and not to the function itself. Nil when there is none.
    package var firmwareDisplay: String?
    /// The vendor-specific PCI capability "VF".
    ///
    /// NVIDIA's vGPU hosts add it to the configuration space of a vGPU.
    ///
    /// Unreadable without root, because other users can read only the first 64 bytes of configuration space.
    package var vgpuCapability: Reading<VGPUCapability>
    /// The physical function that this virtual function belongs to (`physfn`).
    ///
    /// Only the host shows it; a guest does not.
    package var physicalFunction: Reading<PCIAddress>
    /// The number of virtual functions that this physical function supports (`sriov_totalvfs`).
    package var sriovTotalVFs: Reading<Int>
    /// The memory regions (BARs).
    ///
    /// Nil when the kernel does not show them, and in facts of an earlier version of the agent.
    package var memoryRegions: Reading<[MemoryRegion]>?
    /// The number of virtual functions that are on (`sriov_numvfs`).
    ///
    /// Nil when the function has none, and in facts of an earlier version of the agent.
    package var sriovVFs: Reading<Int>?
    /// The IOMMU group of a GPU; absent when the kernel uses no IOMMU.
    ///
    /// Nil for other functions, and in facts of an earlier version of the agent.
    package var iommuGroup: Reading<IOMMUGroup>?

    package init(
        address: PCIAddress,
        id: PCIID,
        subsystem: Reading<PCIID>,
        name: String? = nil,
        classCode: UInt16,
        revision: UInt8 = 0,
        numaNode: Reading<Int> = .absent,
        kernelDriver: Reading<String> = .absent,
        displayDevices: Reading<[String]> = .absent,
        firmwareDisplay: String? = nil,
        vgpuCapability: Reading<VGPUCapability> = .absent,
        physicalFunction: Reading<PCIAddress> = .absent,
        sriovTotalVFs: Reading<Int> = .absent,
        memoryRegions: Reading<[MemoryRegion]>? = nil,
        sriovVFs: Reading<Int>? = nil,
        iommuGroup: Reading<IOMMUGroup>? = nil
    ) {
        self.address = address
        self.id = id
        self.subsystem = subsystem
        self.name = name
        self.classCode = classCode
        self.revision = revision
        self.numaNode = numaNode
        self.kernelDriver = kernelDriver
        self.displayDevices = displayDevices
        self.firmwareDisplay = firmwareDisplay
        self.vgpuCapability = vgpuCapability
        self.physicalFunction = physicalFunction
        self.sriovTotalVFs = sriovTotalVFs
        self.memoryRegions = memoryRegions
        self.sriovVFs = sriovVFs
        self.iommuGroup = iommuGroup
    }

    /// Whether the function is a GPU: vendor 10de and class 0300 or 0302.
    ///
    /// NVIDIA's kernel modules also bind to class 0680, the NVSwitch bridge, which is not a GPU.
    package var isGPU: Bool { id.vendor == Self.nvidiaVendor && (isVGAController || classCode == 0x0302) }

    /// Whether the device does not answer any more, as a GPU that fell off the bus.
    ///
    /// The kernel keeps the IDs of such a device, but its configuration space reads as all ones. A virtual function
    /// does not count: earlier versions of the agent took it for such a device, because its IDs always read as all
    /// ones.
    package var isLost: Bool { vgpuCapability.failure == Self.noAnswer && physicalFunction.value == nil }

    /// Why nothing can be read from the configuration space of a device that does not answer.
    package static let noAnswer = ReadFailure(
        .io,
        "configuration space reads as all ones: the device does not answer"
    )

    /// Whether the function is a VGA controller.
    ///
    /// A GPU without display outputs is a 3D controller instead.
    package var isVGAController: Bool { classCode == 0x0300 }

    /// Whether the function is an NVSwitch: vendor 10de and class 0680, the rule of NVIDIA's kernel module.
    package var isNVSwitch: Bool { id.vendor == Self.nvidiaVendor && classCode == 0x0680 }
}

/// What the PCI capability "VF" of a vGPU says about the vGPU host.
///
/// A property is nil when its record is missing or empty.
package struct VGPUCapability: Codable, Sendable, Equatable {
    /// The version of the vGPU manager on the host, such as `595.58.03`.
    package var hostDriverVersion: String?
    /// The branch of the vGPU manager, such as `r595_58`.
    package var hostDriverBranch: String?

    package init(hostDriverVersion: String?, hostDriverBranch: String?) {
        self.hostDriverVersion = hostDriverVersion
        self.hostDriverBranch = hostDriverBranch
    }
}

/// The functions that an IOMMU cannot tell apart, which a hypervisor can only hand to a guest together.
package struct IOMMUGroup: Codable, Sendable, Equatable {
    package var number: Int
    /// How the IOMMU translates the addresses of the group, such as `DMA`, `DMA-FQ` or `identity`.
    package var type: Reading<String>

    package init(number: Int, type: Reading<String>) {
        self.number = number
        self.type = type
    }
}

/// A PCI function whose IDs or class could not be read.
package struct UnidentifiedFunction: Codable, Sendable, Equatable {
    package var address: PCIAddress
    package var failure: ReadFailure

    package init(address: PCIAddress, failure: ReadFailure) {
        self.address = address
        self.failure = failure
    }
}
