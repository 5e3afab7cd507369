package import NodeModel
package import Support

/// One driver that can be installed.
package struct CatalogDriver: Sendable, Equatable {
    package var version: DriverVersion
    package var kind: DriverKind
    /// The platform whose license the package carries; nil where any will do.
    package var platform: String?
    package var architecture: Architecture
    package var kernelModuleTypes: [KernelModuleType]
    /// What NVIDIA makes the branch for; nil where that is not known.
    package var channel: DriverChannel?
    /// The kernels it builds for; nil where no limit is known.
    package var kernels: KernelRange?
    /// The only operating systems it is for; empty where it fits all.
    package var systems: [SystemRule]
    /// Whether NVIDIA publishes a fabric manager of exactly this version.
    package var fabricManager: Bool
    /// The vGPU software release, such as `20.2`; nil for datacenter drivers.
    package var vgpuRelease: String?
    package var artifact: Artifact

    package init(
        version: DriverVersion,
        kind: DriverKind,
        platform: String? = nil,
        architecture: Architecture = .x86_64,
        kernelModuleTypes: [KernelModuleType] = [.open, .proprietary],
        channel: DriverChannel? = nil,
        kernels: KernelRange? = nil,
        systems: [SystemRule] = [],
        fabricManager: Bool = false,
        vgpuRelease: String? = nil,
        artifact: Artifact
    ) {
        self.version = version
        self.kind = kind
        self.platform = platform
        self.architecture = architecture
        self.kernelModuleTypes = kernelModuleTypes
        self.channel = channel
        self.kernels = kernels
        self.systems = systems
        self.fabricManager = fabricManager
        self.vgpuRelease = vgpuRelease
        self.artifact = artifact
    }

    /// What makes an entry the same entry in two catalogs: `grid-azure-595.91.07-x86_64`.
    package var identity: String {
        [kind.rawValue, platform, version.description, architecture.rawValue].compactMap(\.self).joined(separator: "-")
    }

    static func newerFirst(_ left: CatalogDriver, _ right: CatalogDriver) -> Bool {
        left.version == right.version ? left.identity < right.identity : left.version > right.version
    }
}

/// One file to download.
package struct Artifact: Codable, Sendable, Equatable {
    /// Where it is, in the order to try.
    package var urls: [String]
    /// Nil: the entry is known but must not be installed.
    package var digest: Checksum?
    /// Bytes, when known.
    package var size: Int?

    package init(urls: [String], digest: Checksum?, size: Int? = nil) {
        self.urls = urls
        self.digest = digest
        self.size = size
    }

    /// The last part of the first URL, without a query.
    package var fileName: String {
        let path = urls.first?.split(separator: "?").first ?? ""
        return path.split(separator: "/").last.map(String.init) ?? ""
    }
}
