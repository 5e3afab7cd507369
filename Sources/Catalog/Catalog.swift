package import NodeModel

/// What is known of GPUs, platforms and drivers: the data that choices are made from.
///
/// The engine in `Selection` holds no device id, version or URL; they all stand here, in `catalog/*.yaml`.
package struct Catalog: Sendable, Equatable {
    package var gpus: [PCIID: CatalogGPU]
    package var vgpuTypes: [VGPUTypeKey: CatalogVGPUType]
    /// In the order in which they are tried: of one file those that ask for more come first.
    package var platforms: [CatalogPlatform]
    /// Newest first, and then in the order of their identity.
    package var drivers: [CatalogDriver]

    package init(
        gpus: [CatalogGPU] = [],
        vgpuTypes: [CatalogVGPUType] = [],
        platforms: [CatalogPlatform] = [],
        drivers: [CatalogDriver] = []
    ) {
        self.gpus = Dictionary(gpus.map { ($0.id, $0) }) { _, last in last }
        self.vgpuTypes = Dictionary(vgpuTypes.map { ($0.key, $0) }) { _, last in last }
        self.platforms = CatalogPlatform.Weight.allCases.flatMap { weight in platforms.filter { $0.weight == weight } }
        self.drivers = drivers.sorted(by: CatalogDriver.newerFirst)
    }
}

/// How a cloud or a hypervisor is told from the firmware's words.
///
/// Every given text must match.
package struct CatalogPlatform: Sendable, Equatable {
    /// `azure`, `aws`, `gcp`, `kvm`: the name that drivers refer to.
    package var name: String
    package var systemVendor: String?
    package var chassisAssetTag: String?
    /// The major vGPU release that this cloud's hosts run, by the device id of the card.
    ///
    /// It counts where a vGPU does not say itself which driver its host has.
    package var vgpuHosts: [UInt16: Int]

    package init(name: String, systemVendor: String?, chassisAssetTag: String?, vgpuHosts: [UInt16: Int] = [:]) {
        self.name = name
        self.systemVendor = systemVendor
        self.chassisAssetTag = chassisAssetTag
        self.vgpuHosts = vgpuHosts
    }

    /// How much a platform asks for, most first.
    ///
    /// A vendor's name alone says least: clouds show that of their hypervisor.
    fileprivate enum Weight: CaseIterable {
        case both, assetTag, vendor
    }

    fileprivate var weight: Weight {
        guard chassisAssetTag != nil else { return .vendor }
        return systemVendor == nil ? .assetTag : .both
    }

    package func matches(_ dmi: DMIFacts) -> Bool {
        if let systemVendor, systemVendor != dmi.systemVendor { return false }
        if let chassisAssetTag, chassisAssetTag != dmi.chassisAssetTag { return false }
        return systemVendor != nil || chassisAssetTag != nil
    }
}
