package import Catalog
import NodeModel

/// What the driver in a guest shows for a vGPU of one type.
///
/// The checks need it because a healthy guest differs from bare metal: NVML does not report some values, and only the
/// vGPU host can change MIG.
package struct GuestExpectations: Codable, Sendable, Equatable {
    /// A value that NVML reports for a physical GPU.
    package enum Quantity: String, Codable, Sendable, CaseIterable {
        case utilization, temperature, power
    }

    /// The name of the vGPU type.
    package var type: String
    package var mode: VGPUName.Mode
    /// The number of MIG devices on each GPU: 1 for a MIG-backed type, otherwise 0.
    package var migDevicesPerGPU: Int
    /// The profile of the MIG device, such as `4g.96gb`; nil without a MIG device, or when the catalog has no profile.
    package var migProfile: String?
    /// The licensed product that the guest needs.
    package var license: String
    /// The values that NVML does not report in the guest.
    ///
    /// Guests with MIG-backed types on Azure show this.
    package var unreadable: [Quantity]

    /// Nil when the name of the type says nothing about it.
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

    /// The MIG profile with the slices of the type.
    ///
    /// A GPU instance that is not shared also has its memory and engines.
    private static func profile(_ name: VGPUName, of card: CatalogGPU?) -> String? {
        guard let slices = name.slices, let card else { return nil }
        guard name.mode == .migBacked, let memory = name.frameBufferGB else {
            return card.migProfiles.first { $0.hasPrefix("\(slices)g.") && $0.hasSuffix("gb") }
        }
        let profile = "\(slices)g.\(memory)gb" + (name.hasMediaEngines ? "+me" : "")
        return card.migProfiles.contains(profile) ? profile : nil
    }
}
