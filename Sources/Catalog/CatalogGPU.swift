package import NodeModel
import Support

/// A physical GPU in the catalog.
package struct CatalogGPU: Sendable, Equatable {
    package var id: PCIID
    package var name: String
    /// The GPU architecture, such as `hopper` or `blackwell`, for people.
    package var architecture: String
    /// The nominal memory of one GPU, in MiB; nil when boards with this PCI ID differ.
    package var memoryMiB: Int?
    /// The subsystem IDs of the physical boards that NVIDIA lists.
    ///
    /// Board makers use IDs of their own, so an ID that is not in the list proves nothing.
    package var subsystems: [PCIID]
    /// The kernel module types that support the physical GPU.
    package var kernelModuleTypes: [KernelModuleType]
    /// The first branch that supports the GPU; nil when there is no limit.
    package var minBranch: Int?
    /// The last branch that supports the GPU; nil when there is no limit.
    package var maxBranch: Int?
    /// The last branch whose GRID driver supports the GPU as a virtual workstation; nil when it is `maxBranch`.
    package var maxWorkstationBranch: Int?
    /// The MIG profiles of the GPU, such as `1g.10gb`; empty when it has none, or when they are not known.
    package var migProfiles: [String]
    /// The MMIO space that a virtual machine needs for the GPU, in GiB; nil when the default is enough.
    package var mmioGiB: Int?
    /// When the GPU needs a fabric manager of the driver's version; nil when it never needs one.
    package var fabricManager: FabricManagerRule?

    package init(
        id: PCIID,
        name: String,
        architecture: String,
        memoryMiB: Int? = nil,
        subsystems: [PCIID] = [],
        kernelModuleTypes: [KernelModuleType],
        minBranch: Int? = nil,
        maxBranch: Int? = nil,
        maxWorkstationBranch: Int? = nil,
        migProfiles: [String] = [],
        mmioGiB: Int? = nil,
        fabricManager: FabricManagerRule? = nil
    ) {
        self.id = id
        self.name = name
        self.architecture = architecture
        self.memoryMiB = memoryMiB
        self.subsystems = subsystems
        self.kernelModuleTypes = kernelModuleTypes
        self.minBranch = minBranch
        self.maxBranch = maxBranch
        self.maxWorkstationBranch = maxWorkstationBranch
        self.migProfiles = migProfiles
        self.mmioGiB = mmioGiB
        self.fabricManager = fabricManager
    }
}

/// The rule for when a GPU needs a fabric manager.
package enum FabricManagerRule: String, Codable, Sendable, CaseIterable {
    /// The GPU needs one when the node also has NVSwitch functions (class 0680).
    case withNVSwitch = "with-nvswitch"
    /// The GPU always needs one, because its switches do not appear as PCI functions of NVIDIA.
    case always
}

/// The pair of IDs that identifies a vGPU type: the device ID of the card and the subsystem device ID.
///
/// The subsystem vendor ID is not a part of the pair, because some clouds replace it.
package struct VGPUTypeKey: Sendable, Hashable, CustomStringConvertible {
    package var device: UInt16
    package var subsystemDevice: UInt16

    package init(device: UInt16, subsystemDevice: UInt16) {
        self.device = device
        self.subsystemDevice = subsystemDevice
    }

    package var description: String { "\(hex(device, digits: 4)):\(hex(subsystemDevice, digits: 4))" }
}

/// A vGPU type in the catalog, as a guest sees it.
package struct CatalogVGPUType: Sendable, Equatable {
    package var key: VGPUTypeKey
    /// The name of the type, such as `NVIDIA RTX Pro 6000 Blackwell DC-4-96Q`.
    package var name: String
    /// The kernel module types that support the type in a guest.
    package var kernelModuleTypes: [KernelModuleType]
    /// The first branch whose GRID driver supports the type; nil when there is no limit.
    package var minBranch: Int?
    /// The last branch whose GRID driver supports the card; nil when there is no limit.
    package var maxBranch: Int?

    package init(
        key: VGPUTypeKey,
        name: String,
        kernelModuleTypes: [KernelModuleType],
        minBranch: Int? = nil,
        maxBranch: Int? = nil
    ) {
        self.key = key
        self.name = name
        self.kernelModuleTypes = kernelModuleTypes
        self.minBranch = minBranch
        self.maxBranch = maxBranch
    }
}
