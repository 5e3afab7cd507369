import NodeModel

extension Catalog {
    /// Merges a later catalog file into this catalog.
    ///
    /// An entry of `other` changes the fields that it gives, and keeps the others of the entry with the same identity.
    /// So an entry that only adds a mirror cannot lose what the catalog knows of a driver. The identity of a GPU is its
    /// PCI ID, of a vGPU type its device ID and subsystem device ID, of a platform its name, and of a driver its kind,
    /// platform, version and architecture, and of an Xid or an SXid its number. The agent tries the platforms of `other` first.
    ///
    /// - Parameters:
    ///   - other: The entries of the later file.
    ///   - replaced: The entries of `other` that replace the earlier entry completely.
    /// - Returns: The merged catalog.
    package func merged(with other: Catalog, replacing replaced: Set<CatalogIdentity> = []) -> Catalog {
        var merged = self
        merged.gpus.merge(other.gpus) { old, new in replaced.contains(.gpu(new.id)) ? new : new.completed(by: old) }
        merged.vgpuTypes.merge(other.vgpuTypes) { old, new in
            replaced.contains(.vgpuType(new.key)) ? new : new.completed(by: old)
        }
        merged.xids.merge(other.xids) { old, new in replaced.contains(.xid(new.code)) ? new : new.completed(by: old) }
        merged.sxids.merge(other.sxids) { old, new in
            replaced.contains(.sxid(new.code)) ? new : new.completed(by: old)
        }
        let oldPlatforms = Dictionary(platforms.map { ($0.name, $0) }) { first, _ in first }
        let newPlatforms = other.platforms.map { new in
            replaced.contains(.platform(new.name)) ? new : oldPlatforms[new.name].map(new.completed(by:)) ?? new
        }
        let names = Set(newPlatforms.map(\.name))
        merged.platforms = newPlatforms + platforms.filter { !names.contains($0.name) }
        // Most files have no drivers, and the identities take time.
        guard !other.drivers.isEmpty else { return merged }
        let oldDrivers = Dictionary(drivers.map { ($0.identity, $0) }) { first, _ in first }
        let newDrivers = other.drivers.map { new in
            replaced.contains(.driver(new.identity)) ? new : oldDrivers[new.identity].map(new.completed(by:)) ?? new
        }
        let identities = Set(newDrivers.map(\.identity))
        merged.drivers = (newDrivers + drivers.filter { !identities.contains($0.identity) })
            .sorted(by: CatalogDriver.newerFirst)
        return merged
    }

    /// Applies a catalog file, which extends or replaces what was read before it.
    ///
    /// The Xids and SXids do not depend on the drivers. So a file that replaces the catalog, and has none of them, keeps
    /// the earlier ones. Without them, each error would be unknown.
    package func applying(_ document: CatalogDocument) -> Catalog {
        guard document.mode == .replace else { return merged(with: document.catalog, replacing: document.replacing) }
        var catalog = document.catalog
        if catalog.xids.isEmpty { catalog.xids = xids }
        if catalog.sxids.isEmpty { catalog.sxids = sxids }
        return catalog
    }
}

extension CatalogGPU {
    /// The entry with the fields of an earlier entry where it gives none.
    fileprivate func completed(by earlier: CatalogGPU) -> CatalogGPU {
        var gpu = self
        gpu.memoryMiB = memoryMiB ?? earlier.memoryMiB
        gpu.subsystems = earlier.subsystems + subsystems.filter { !earlier.subsystems.contains($0) }
        gpu.minBranch = minBranch ?? earlier.minBranch
        gpu.maxBranch = maxBranch ?? earlier.maxBranch
        gpu.maxWorkstationBranch = maxWorkstationBranch ?? earlier.maxWorkstationBranch
        gpu.migProfiles = migProfiles.isEmpty ? earlier.migProfiles : migProfiles
        gpu.mmioGiB = mmioGiB ?? earlier.mmioGiB
        gpu.fabricManager = fabricManager ?? earlier.fabricManager
        return gpu
    }
}

extension CatalogVGPUType {
    fileprivate func completed(by earlier: CatalogVGPUType) -> CatalogVGPUType {
        var type = self
        type.minBranch = minBranch ?? earlier.minBranch
        type.maxBranch = maxBranch ?? earlier.maxBranch
        return type
    }
}

extension CatalogPlatform {
    /// The entry with the vGPU hosts of an earlier entry.
    ///
    /// The conditions of a platform belong together, so the entry's own conditions count alone.
    fileprivate func completed(by earlier: CatalogPlatform) -> CatalogPlatform {
        var platform = self
        platform.vgpuHosts = earlier.vgpuHosts.merging(vgpuHosts) { _, new in new }
        return platform
    }
}

extension CatalogDriver {
    fileprivate func completed(by earlier: CatalogDriver) -> CatalogDriver {
        var driver = self
        driver.channel = channel ?? earlier.channel
        driver.kernels = kernels ?? earlier.kernels
        driver.systems = systems.isEmpty ? earlier.systems : systems
        driver.fabricManager = fabricManager ?? earlier.fabricManager
        driver.fabricManagerArchive = fabricManagerArchive ?? earlier.fabricManagerArchive
        driver.vgpuRelease = vgpuRelease ?? earlier.vgpuRelease
        driver.artifact.digest = artifact.digest ?? earlier.artifact.digest
        // A file with another checksum has its own size.
        let isSameFile = artifact.digest == nil || artifact.digest == earlier.artifact.digest
        driver.artifact.size = artifact.size ?? (isSameFile ? earlier.artifact.size : nil)
        return driver
    }
}

extension CatalogXid {
    /// The entry with NVIDIA's name and actions of an earlier entry where it gives none.
    ///
    /// The reason belongs to the class, so an earlier reason does not count.
    fileprivate func completed(by earlier: CatalogXid) -> CatalogXid {
        var xid = self
        xid.mnemonic = mnemonic ?? earlier.mnemonic
        xid.immediate = immediate ?? earlier.immediate
        xid.investigatory = investigatory ?? earlier.investigatory
        return xid
    }
}

extension CatalogSXid {
    /// The entry with what NVIDIA says about the error in an earlier entry where it gives nothing.
    ///
    /// The reason belongs to the class, so an earlier reason does not count.
    fileprivate func completed(by earlier: CatalogSXid) -> CatalogSXid {
        var sxid = self
        sxid.mnemonic = mnemonic ?? earlier.mnemonic
        sxid.severity = severity ?? earlier.severity
        sxid.action = action ?? earlier.action
        return sxid
    }
}
