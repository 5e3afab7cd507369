extension Catalog {
    /// Merges another catalog into this one.
    ///
    /// An entry of `other` replaces the entry with the same identity, or is added. The identity of a GPU is its PCI ID, of
    /// a vGPU type its device ID and subsystem device ID, of a platform its name, and of a driver its kind, platform,
    /// version and architecture. The platforms of `other` are tried first.
    package func merged(with other: Catalog) -> Catalog {
        var merged = self
        merged.gpus.merge(other.gpus) { _, new in new }
        merged.vgpuTypes.merge(other.vgpuTypes) { _, new in new }
        let platforms = Set(other.platforms.map(\.name))
        merged.platforms = other.platforms + self.platforms.filter { !platforms.contains($0.name) }
        let drivers = Set(other.drivers.map(\.identity))
        merged.drivers = (other.drivers + self.drivers.filter { !drivers.contains($0.identity) })
            .sorted(by: CatalogDriver.newerFirst)
        return merged
    }
}
