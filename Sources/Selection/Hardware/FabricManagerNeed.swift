import Catalog
import NodeModel

/// Whether a node needs a fabric manager of the driver's version.
///
/// The NVSwitch functions on the PCI bus and the PCI IDs of the GPUs decide. Names of products or sizes do not.
package struct FabricManagerNeed: Codable, Sendable, Equatable {
    package var isNeeded: Bool
    /// The reason, as a sentence for people.
    package var why: String

    package init(isNeeded: Bool, why: String) {
        self.isNeeded = isNeeded
        self.why = why
    }

    init(_ identities: [GPUIdentity], switches: [PCIFunction]) {
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
        if rules.contains(.always) {
            self.init(
                isNeeded: true,
                why: "The switches that connect these GPUs do not appear as PCI functions of NVIDIA."
            )
        } else if rules.contains(.withNVSwitch), !switches.isEmpty {
            self.init(isNeeded: true, why: "\(connection) the GPUs on this node.")
        } else if rules.contains(.withNVSwitch) {
            self.init(isNeeded: false, why: "No NVSwitch function (class 0680) is on the PCI bus.")
        } else {
            self.init(isNeeded: false, why: "NVSwitch does not connect GPUs with these PCI IDs.")
        }
    }
}
