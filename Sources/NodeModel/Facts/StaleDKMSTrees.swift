extension NodeFacts {
    /// The trees of the driver that DKMS lists and can do nothing with, of versions that the host does not use.
    ///
    /// DKMS stops at a tree without a source. So it builds no module for a new kernel, and a package with kernel headers
    /// cannot be configured. It can neither remove nor add a tree that is half built. The tree of the version that is loaded, or whose module this kernel would load, does not count. When one
    /// of these versions is not known, no tree counts.
    package var staleDKMSTrees: [DKMSTree] {
        let (loaded, file) = (driver.loadedVersion, driver.moduleFile)
        // A file that is no kernel module has no version, and is of no use.
        guard build.dkms.value != nil, loaded.whyUnknown == nil,
            file.whyUnknown == nil || file.failure?.reason == .malformed
        else { return [] }
        let used = [loaded.value, file.value?.version].compactMap(\.self)
        return (claims.dkms.value ?? []).filter { tree in
            let isUseless = tree.lacksSource == true || tree.isHalfBuilt == true
            return isUseless && DriverVersion(tree.version) != nil && !used.contains(tree.version)
        }
    }
}
