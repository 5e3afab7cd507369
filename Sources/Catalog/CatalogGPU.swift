package import NodeModel
import Support

/// A physical GPU, by its vendor and device id.
package struct CatalogGPU: Sendable, Equatable {
    package var id: PCIID
    package var name: String
    /// `hopper`, `blackwell`: for people.
    package var architecture: String
    /// Nominal, of one GPU; nil where boards of this id differ.
    package var memoryMiB: Int?
    /// The subsystem ids of the physical boards.
    ///
    /// Board makers add their own, so an unlisted one proves nothing.
    package var subsystems: [PCIID]
    /// The kernel module types that can drive the physical GPU.
    package var kernelModuleTypes: [KernelModuleType]
    /// The first and the last branch that drive it; nil is open.
    package var minBranch: Int?
    package var maxBranch: Int?
    /// The last branch whose GRID driver runs the physical GPU as a workstation; nil where it is `maxBranch`.
    package var maxWorkstationBranch: Int?
    /// The profiles of its GPU instances (`1g.10gb`); empty where it has none, or none is known.
    package var migProfiles: [String]
    /// How much MMIO space a VM must have for it; nil where it needs no care.
    package var mmioGiB: Int?
    /// When boards of this id need a fabric manager of the driver's version; nil where they never do.
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

/// When a GPU needs a fabric manager.
package enum FabricManagerRule: String, Codable, Sendable, CaseIterable {
    /// Where the node has NVSwitch functions too (class 0680).
    case withNVSwitch = "with-nvswitch"
    /// Always: its switches are no PCI functions of NVIDIA's.
    case always
}

/// What tells vGPU types apart: the card's device id and the subsystem device id.
///
/// The subsystem vendor is no part of it.
package struct VGPUTypeKey: Sendable, Hashable, CustomStringConvertible {
    package var device: UInt16
    package var subsystemDevice: UInt16

    package init(device: UInt16, subsystemDevice: UInt16) {
        self.device = device
        self.subsystemDevice = subsystemDevice
    }

    package var description: String { "\(hex(device, digits: 4)):\(hex(subsystemDevice, digits: 4))" }
}

/// One vGPU type, as a guest sees it.
package struct CatalogVGPUType: Sendable, Equatable {
    package var key: VGPUTypeKey
    /// `NVIDIA RTX Pro 6000 Blackwell DC-4-96Q`.
    package var name: String
    /// The kernel module types that can drive it in a guest.
    package var kernelModuleTypes: [KernelModuleType]
    /// The first branch whose GRID driver knows the type; nil is open.
    package var minBranch: Int?
    /// The last branch whose GRID driver drives the card; nil is open.
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
