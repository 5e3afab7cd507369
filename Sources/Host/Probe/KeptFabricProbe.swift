import NodeModel

/// Lists the packages for NVLink whose files the agent keeps on the host.
enum KeptFabricProbe {
    /// The most directories, and the most files in each, that are read.
    ///
    /// An install leaves one directory with a few files.
    private static let limit = 100

    /// The packages by the version of their driver; absent when the agent keeps none.
    static func read(_ root: HostRoot) -> Reading<[String: [OfferedPackage]]> {
        reading { () throws(HostError) in
            let parent = HostPath(stringLiteral: HostLayout.fabricFiles)
            var kept: [String: [OfferedPackage]] = [:]
            for version in try root.list(parent)?.sorted().prefix(limit) ?? [] {
                let files = try root.list(parent.entry(version))?.sorted().prefix(limit) ?? []
                // The download writes the list of the checksums last.
                guard files.contains(FabricPackages.checksums) else { continue }
                let packages = files.compactMap(OfferedPackage.init(fileName:))
                if !packages.isEmpty { kept[version] = packages }
            }
            return kept.isEmpty ? nil : kept
        }
    }
}
