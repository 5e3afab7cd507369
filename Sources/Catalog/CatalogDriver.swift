package import NodeModel
package import Support

/// One package of a driver version, with the hosts that the package supports.
package struct CatalogDriver: Sendable, Equatable {
    package var version: DriverVersion
    package var kind: DriverKind
    /// The platform whose license the package contains; nil for a package that works on every platform.
    package var platform: String?
    package var architecture: Architecture
    /// The kernel module types in the package.
    package var kernelModuleTypes: [KernelModuleType]
    /// The channel of the branch; nil when it is not known.
    package var channel: DriverChannel?
    /// The kernels that the driver supports; nil when no limit is known.
    package var kernels: KernelRange?
    /// The operating systems that the driver supports; empty when it supports all.
    package var systems: [SystemRule]
    /// Whether NVIDIA publishes a fabric manager of the same version; nil when the entry does not say so.
    package var fabricManager: Bool?
    /// NVIDIA's archive with the fabric manager of this version; nil when the entry has none.
    package var fabricManagerArchive: Artifact?
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
        fabricManager: Bool? = nil,
        fabricManagerArchive: Artifact? = nil,
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
        self.fabricManagerArchive = fabricManagerArchive
        self.vgpuRelease = vgpuRelease
        self.artifact = artifact
    }

    /// The identity of the entry: `grid-azure-595.91.07-x86_64`.
    ///
    /// An entry of a later catalog changes the entry with the same identity.
    package var identity: String {
        [kind.rawValue, platform, version.description, architecture.rawValue].compactMap(\.self).joined(separator: "-")
    }

    /// The order of the catalog: newer versions come first.
    static func newerFirst(_ left: CatalogDriver, _ right: CatalogDriver) -> Bool {
        left.version == right.version ? left.identity < right.identity : left.version > right.version
    }
}

/// A driver package to download.
package struct Artifact: Codable, Sendable, Equatable {
    /// The URLs of the package, in the order in which to try them.
    package var urls: [String]
    /// The checksum of the package; nil when it is not known, and the package must not be installed.
    package var digest: Checksum?
    /// The size in bytes; nil when it is not known.
    package var size: Int?

    package init(urls: [String], digest: Checksum?, size: Int? = nil) {
        self.urls = urls
        self.digest = digest
        self.size = size
    }

    /// The file name: the last path component of the first URL.
    package var fileName: String {
        let path = urls.first?.split(separator: "?").first ?? ""
        return path.split(separator: "/").last.map(String.init) ?? ""
    }
}
