extension Catalog {
    /// This catalog with another laid over it: an entry of the same identity replaces ours, every other one is added.
    ///
    /// Identities are a GPU's id, a vGPU type's pair, a platform's name, and a driver's kind, platform, version and
    /// architecture. Platforms of `other` are tried first.
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
