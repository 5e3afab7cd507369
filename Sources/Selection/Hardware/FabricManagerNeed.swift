import Catalog
import NodeModel

/// Whether a node needs a fabric manager of the driver's version.
///
/// The topology of this machine decides: the NVSwitch functions on its PCI bus, the PCI IDs of its GPUs, and in a
/// virtual machine the number of its GPUs. Names of products or sizes do not.
package struct FabricManagerNeed: Codable, Sendable, Equatable {
    package var isNeeded: Bool
    /// The reason, as a sentence for people.
    package var why: String
    /// Whether the fabric manager also needs the NVLink subnet manager (`nvlsm`); nil when it does not.
    ///
    /// It does where InfiniBand functions manage the switches, as on boards since B200.
    package var subnetManager: Bool?

    package init(isNeeded: Bool, why: String, subnetManager: Bool? = nil) {
        self.isNeeded = isNeeded
        self.why = why
        self.subnetManager = subnetManager
    }

    /// Decides from the topology.
    ///
    /// - Parameters:
    ///   - identities: The GPUs that the node uses.
    ///   - switches: The NVSwitch functions on the PCI bus.
    ///   - gpusInGuest: The number of GPUs on the PCI bus of this virtual machine; nil on bare metal, or when the agent
    ///     does not know.
    init(_ identities: [GPUIdentity], switches: [PCIFunction], gpusInGuest: Int?) {
        // Switches that are kept for a virtual machine belong to its fabric manager.
        let switches = switches.filter { !$0.isReserved }
        let rules = identities.map { identity -> FabricManagerRule? in
            switch identity {
            case .physical(let card): card.fabricManager
            // For a GPU that the catalog does not know, only the switches on the bus can tell.
            case .allowed(let requirements) where requirements.kind == .datacenter: .withNVSwitch
            default: nil
            }
        }
        let connection =
            switches.count == 1
            ? "1 NVSwitch function (class 0680) connects" : "\(switches.count) NVSwitch functions (class 0680) connect"
        if rules.contains(.always), let count = gpusInGuest, count < Self.gpusOfBoard, switches.isEmpty {
            self.init(
                isNeeded: false,
                why: count == 1
                    ? "This virtual machine has one GPU, so no switch connects it to another GPU."
                    : "This virtual machine has \(count) of the \(Self.gpusOfBoard) GPUs of a board. The fabric manager "
                        + "of the host connects them."
            )
        } else if rules.contains(.always) {
            self.init(
                isNeeded: true,
                why: "The switches that connect these GPUs do not appear as PCI functions of NVIDIA.",
                subnetManager: true
            )
        } else if rules.contains(.withNVSwitch), !switches.isEmpty {
            self.init(isNeeded: true, why: "\(connection) the GPUs on this node.")
        } else if rules.contains(.withNVSwitch) {
            self.init(isNeeded: false, why: "No NVSwitch function (class 0680) is on the PCI bus.")
        } else {
            self.init(isNeeded: false, why: "NVSwitch does not connect GPUs with these PCI IDs.")
        }
    }

    /// The number of GPUs on one of NVIDIA's HGX boards.
    ///
    /// A virtual machine with fewer of them gets a partition, which the fabric manager of the host sets up.
    private static let gpusOfBoard = 8
}
