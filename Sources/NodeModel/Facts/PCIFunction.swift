/// One PCI function of vendor 10de, as the bus shows it before any driver exists.
package struct PCIFunction: Codable, Sendable, Equatable {
    /// NVIDIA's PCI vendor id.
    package static let nvidiaVendor: UInt16 = 0x10de

    package var address: PCIAddress
    /// Vendor and device id.
    ///
    /// A vGPU shows the physical card's device id.
    package var id: PCIID
    /// Subsystem vendor and device id.
    ///
    /// The pair (device, subsystem device) tells a vGPU from the physical card; the subsystem vendor is rewritten by
    /// some clouds and says nothing.
    package var subsystem: Reading<PCIID>
    /// The name of the device in the list of PCI ids (`pci.ids`); nil where the list has none, or there is no list.
    package var name: String?
    /// The class and subclass: 0x0300 VGA, 0x0302 3D controller, 0x0403 audio, 0x0680 NVSwitch bridge.
    package var classCode: UInt16
    package var revision: UInt8
    /// The NUMA node; absent when the kernel knows none (-1).
    package var numaNode: Reading<Int>
    /// The kernel driver that is bound to the function (`nvidia`, `nouveau`, `vfio-pci`).
    package var kernelDriver: Reading<String>
    /// The vendor-specific capability "VF", which NVIDIA's vGPU hosts put into a guest's configuration space.
    ///
    /// Unreadable without root: only the first 64 bytes of configuration space can then be read.
    package var vgpuCapability: Reading<VGPUCapability>
    /// The physical function this virtual function belongs to (`physfn`).
    ///
    /// Seen on the host that owns it, not in guests.
    package var physicalFunction: Reading<PCIAddress>
    /// How many virtual functions this physical function could have (`sriov_totalvfs`).
    package var sriovTotalVFs: Reading<Int>

    package init(
        address: PCIAddress,
        id: PCIID,
        subsystem: Reading<PCIID>,
        name: String? = nil,
        classCode: UInt16,
        revision: UInt8 = 0,
        numaNode: Reading<Int> = .absent,
        kernelDriver: Reading<String> = .absent,
        vgpuCapability: Reading<VGPUCapability> = .absent,
        physicalFunction: Reading<PCIAddress> = .absent,
        sriovTotalVFs: Reading<Int> = .absent
    ) {
        self.address = address
        self.id = id
        self.subsystem = subsystem
        self.name = name
        self.classCode = classCode
        self.revision = revision
        self.numaNode = numaNode
        self.kernelDriver = kernelDriver
        self.vgpuCapability = vgpuCapability
        self.physicalFunction = physicalFunction
        self.sriovTotalVFs = sriovTotalVFs
    }

    /// Whether the function is a GPU: vendor 10de and class 0300 or 0302.
    ///
    /// NVIDIA's kernel module binds no other class but the NVSwitch bridge (0680), which is not a GPU.
    package var isGPU: Bool { id.vendor == Self.nvidiaVendor && (isVGAController || classCode == 0x0302) }

    /// Whether the function is of the class of graphics cards; a GPU without displays is a 3D controller.
    package var isVGAController: Bool { classCode == 0x0300 }

    /// Whether the function is an NVSwitch: vendor 10de and class 0680, as NVIDIA's kernel module tells it.
    package var isNVSwitch: Bool { id.vendor == Self.nvidiaVendor && classCode == 0x0680 }
}

/// What the "VF" capability of a vGPU says about its host.
///
/// Either text is nil when its record is missing or empty.
package struct VGPUCapability: Codable, Sendable, Equatable {
    /// The version of the vGPU manager on the host, such as `595.58.03`.
    package var hostDriverVersion: String?
    /// Its branch, such as `r595_58`.
    package var hostDriverBranch: String?

    package init(hostDriverVersion: String?, hostDriverBranch: String?) {
        self.hostDriverVersion = hostDriverVersion
        self.hostDriverBranch = hostDriverBranch
    }
}

/// A function of the bus that could not be told apart: its ids or its class could not be read.
package struct UnidentifiedFunction: Codable, Sendable, Equatable {
    package var address: PCIAddress
    package var failure: ReadFailure

    package init(address: PCIAddress, failure: ReadFailure) {
        self.address = address
        self.failure = failure
    }
}
