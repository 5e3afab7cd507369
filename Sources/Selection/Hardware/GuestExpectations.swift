package import Catalog
import NodeModel

/// What the driver in a guest shows of a vGPU, by its type.
///
/// A check that did not know this would call a healthy guest broken: much cannot be read there, and MIG is the host's.
package struct GuestExpectations: Codable, Sendable, Equatable {
    /// What NVML tells of a physical GPU.
    package enum Quantity: String, Codable, Sendable, CaseIterable {
        case utilization, temperature, power
    }

    /// The type's name.
    package var type: String
    package var mode: VGPUName.Mode
    /// How many MIG devices each GPU shows: 1 where the type is a GPU instance, else 0.
    package var migDevicesPerGPU: Int
    /// The profile of that device, such as `4g.96gb`; nil without one, and where the catalog names none for the card.
    package var migProfile: String?
    /// The product that a license must name.
    package var license: String
    /// What NVML does not tell in a guest, as guests on Azure with a type on a GPU instance show it.
    package var unreadable: [Quantity]

    /// Nil for a type whose name says nothing.
    package init?(_ type: CatalogVGPUType, in catalog: Catalog) {
        guard let name = type.parsedName, !name.isMasked else { return nil }
        self.type = type.name
        mode = name.mode
        migDevicesPerGPU = name.mode == .timeSliced ? 0 : 1
        migProfile = Self.profile(
            name,
            of: catalog.gpus[PCIID(vendor: PCIFunction.nvidiaVendor, device: type.key.device)]
        )
        license = name.series.licenseProduct
        unreadable = name.mode == .timeSliced ? [] : Quantity.allCases
    }

    /// The GPU instance with as many slices and, where it is not shared, as much memory and the same engines as the type.
    private static func profile(_ name: VGPUName, of card: CatalogGPU?) -> String? {
        guard let slices = name.slices, let card else { return nil }
        guard name.mode == .migBacked, let memory = name.frameBufferGB else {
            return card.migProfiles.first { $0.hasPrefix("\(slices)g.") && $0.hasSuffix("gb") }
        }
        let profile = "\(slices)g.\(memory)gb" + (name.hasMediaEngines ? "+me" : "")
        return card.migProfiles.contains(profile) ? profile : nil
    }
}
