import Catalog
import NodeModel

/// Whether a fabric manager of the driver's version must run on a node.
///
/// It is told by the NVSwitch functions on the bus and by the GPUs' ids, never by a name.
package struct FabricManagerNeed: Codable, Sendable, Equatable {
    package var isNeeded: Bool
    /// In words.
    package var why: String

    package init(isNeeded: Bool, why: String) {
        self.isNeeded = isNeeded
        self.why = why
    }

    init(_ identities: [GPUIdentity], switches: [PCIFunction]) {
        let rules = identities.map { identity -> FabricManagerRule? in
            switch identity {
            case .physical(let card): card.fabricManager
            // What is joined to a GPU that no rule knows can be told by the switches alone.
            case .allowed(let requirements) where requirements.kind == .datacenter: .withNVSwitch
            default: nil
            }
        }
        let count = switches.count == 1 ? "1 NVSwitch function" : "\(switches.count) NVSwitch functions"
        if rules.contains(.always) {
            self.init(isNeeded: true, why: "the GPUs are joined by switches that are no PCI functions of NVIDIA's")
        } else if rules.contains(.withNVSwitch), !switches.isEmpty {
            self.init(isNeeded: true, why: "\(count) on the bus (class 0680) and GPUs that they join")
        } else if rules.contains(.withNVSwitch) {
            self.init(isNeeded: false, why: "no NVSwitch function is on the bus (class 0680)")
        } else {
            self.init(isNeeded: false, why: "NVSwitch does not join GPUs of these ids")
        }
    }
}
