package import NodeModel

/// The catalog of GPUs, vGPU types, platforms and drivers, from which the agent selects a driver, and of Xids
/// and SXids.
///
/// All PCI IDs, versions and URLs are in the catalog files (`catalog/*.yaml`). The code in `Selection` contains none.
package struct Catalog: Sendable, Equatable {
    package var gpus: [PCIID: CatalogGPU]
    package var vgpuTypes: [VGPUTypeKey: CatalogVGPUType]
    /// The platforms in the order in which they are tried.
    ///
    /// Within one file, platforms with more conditions come first.
    package var platforms: [CatalogPlatform]
    /// The drivers, newest first.
    ///
    /// Drivers of the same version are in the order of their identities.
    package var drivers: [CatalogDriver]
    /// The known Xids by their number.
    package var xids: [Int: CatalogXid]
    /// The known SXids by their number.
    package var sxids: [Int: CatalogSXid]

    package init(
        gpus: [CatalogGPU] = [],
        vgpuTypes: [CatalogVGPUType] = [],
        platforms: [CatalogPlatform] = [],
        drivers: [CatalogDriver] = [],
        xids: [CatalogXid] = [],
        sxids: [CatalogSXid] = []
    ) {
        self.gpus = Dictionary(gpus.map { ($0.id, $0) }) { _, last in last }
        self.vgpuTypes = Dictionary(vgpuTypes.map { ($0.key, $0) }) { _, last in last }
        self.platforms = CatalogPlatform.Weight.allCases.flatMap { weight in platforms.filter { $0.weight == weight } }
        self.drivers = drivers.sorted(by: CatalogDriver.newerFirst)
        self.xids = Dictionary(xids.map { ($0.code, $0) }) { _, last in last }
        self.sxids = Dictionary(sxids.map { ($0.code, $0) }) { _, last in last }
    }

    /// The MMIO space in GiB that a virtual machine needs for a GPU, for the GPUs whose need is known.
    package var mmioGiB: [PCIID: Int] { gpus.compactMapValues(\.mmioGiB) }
}

/// A cloud or hypervisor, with the firmware strings that identify it.
///
/// If the platform has a vendor or an asset tag, each must match. Otherwise one of the additional rules must match.
package struct CatalogPlatform: Sendable, Equatable {
    /// The name that drivers refer to, such as `azure`, `aws`, `gcp` or `kvm`.
    package var name: String
    package var systemVendor: String?
    package var chassisAssetTag: String?
    /// The major vGPU release on the hosts of this cloud, by the device ID of the card.
    ///
    /// The agent uses it when a vGPU does not report the driver of its host.
    package var vgpuHosts: [UInt16: Int]
    /// Additional rules, for machines of the platform that have a different vendor or asset tag.
    package var also: [FirmwareRule]

    package init(
        name: String,
        systemVendor: String?,
        chassisAssetTag: String?,
        vgpuHosts: [UInt16: Int] = [:],
        also: [FirmwareRule] = []
    ) {
        self.name = name
        self.systemVendor = systemVendor
        self.chassisAssetTag = chassisAssetTag
        self.vgpuHosts = vgpuHosts
        self.also = also
    }

    /// The conditions of a platform, the strictest first.
    ///
    /// A vendor name alone is the weakest condition, because some clouds show the name of their hypervisor. The further
    /// rules of these clouds come before it.
    fileprivate enum Weight: CaseIterable {
        case both, assetTag, rules, vendor
    }

    fileprivate var weight: Weight {
        guard chassisAssetTag != nil else { return also.isEmpty ? .vendor : .rules }
        return systemVendor == nil ? .assetTag : .both
    }

    /// Whether the firmware of the host matches all conditions of this platform, or the host one of its additional
    /// rules.
    package func matches(_ host: HostFacts) -> Bool {
        also.contains { $0.matches(host) } || (host.dmi.value.map(matchesVendorAndTag) ?? false)
    }

    private func matchesVendorAndTag(_ dmi: DMIFacts) -> Bool {
        if let systemVendor, systemVendor != dmi.systemVendor { return false }
        if let chassisAssetTag, chassisAssetTag != dmi.chassisAssetTag { return false }
        return systemVendor != nil || chassisAssetTag != nil
    }
}
