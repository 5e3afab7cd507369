/// What is known of GPUs, platforms and drivers: the data that choices are made from.
///
/// The engine in `Selection` holds no device id, version or URL; they all stand here, in `catalog/*.yaml`.
package struct Catalog: Sendable, Equatable {
    package var gpus: [PCIID: CatalogGPU]
    package var vgpuTypes: [VGPUTypeKey: CatalogVGPUType]
    /// In the order in which they are tried.
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
        self.platforms = platforms
        self.drivers = drivers.sorted(by: CatalogDriver.newerFirst)
    }
}

/// A physical GPU, by its vendor and device id.
package struct CatalogGPU: Sendable, Equatable {
    package var id: PCIID
    package var name: String
    /// `hopper`, `blackwell`: for people.
    package var architecture: String
    /// The subsystem ids of the physical boards.
    ///
    /// Board makers add their own, so an unlisted one proves nothing.
    package var subsystems: [PCIID]
    /// The module flavours that can drive the physical GPU.
    package var flavours: [ModuleFlavour]
    /// The first and the last branch that drive it; nil is open.
    package var minBranch: Int?
    package var maxBranch: Int?

    package init(
        id: PCIID,
        name: String,
        architecture: String,
        subsystems: [PCIID] = [],
        flavours: [ModuleFlavour],
        minBranch: Int? = nil,
        maxBranch: Int? = nil
    ) {
        self.id = id
        self.name = name
        self.architecture = architecture
        self.subsystems = subsystems
        self.flavours = flavours
        self.minBranch = minBranch
        self.maxBranch = maxBranch
    }
}

/// What tells vGPU types apart: the card's device id and the subsystem device id.
///
/// The subsystem vendor is no part of it.
package struct VGPUTypeKey: Sendable, Hashable, CustomStringConvertible {
    package var device: UInt16
    package var subsystemDevice: UInt16

    package init(device: UInt16, subsystemDevice: UInt16) {
        self.device = device
        self.subsystemDevice = subsystemDevice
    }

    package var description: String { "\(hex(device, digits: 4)):\(hex(subsystemDevice, digits: 4))" }
}

/// One vGPU type, as a guest sees it.
package struct CatalogVGPUType: Sendable, Equatable {
    package var key: VGPUTypeKey
    /// `NVIDIA RTX Pro 6000 Blackwell DC-4-96Q`.
    package var name: String
    /// The module flavours that can drive it in a guest.
    package var flavours: [ModuleFlavour]
    /// The first branch whose GRID driver knows the type; nil is open.
    package var minBranch: Int?
    /// The last branch whose GRID driver drives the card; nil is open.
    package var maxBranch: Int?

    package init(
        key: VGPUTypeKey,
        name: String,
        flavours: [ModuleFlavour],
        minBranch: Int? = nil,
        maxBranch: Int? = nil
    ) {
        self.key = key
        self.name = name
        self.flavours = flavours
        self.minBranch = minBranch
        self.maxBranch = maxBranch
    }
}

/// How a cloud is told from the firmware's words.
///
/// Every given text must match.
package struct CatalogPlatform: Sendable, Equatable {
    /// `azure`, `aws`, `gcp`: the name that drivers refer to.
    package var name: String
    package var systemVendor: String?
    package var chassisAssetTag: String?

    package init(name: String, systemVendor: String?, chassisAssetTag: String?) {
        self.name = name
        self.systemVendor = systemVendor
        self.chassisAssetTag = chassisAssetTag
    }

    package func matches(_ dmi: DMIFacts) -> Bool {
        if let systemVendor, systemVendor != dmi.systemVendor { return false }
        if let chassisAssetTag, chassisAssetTag != dmi.chassisAssetTag { return false }
        return systemVendor != nil || chassisAssetTag != nil
    }
}

/// One driver that can be installed.
package struct CatalogDriver: Sendable, Equatable {
    package var version: DriverVersion
    package var kind: DriverKind
    /// The platform whose licence the package carries; nil where any will do.
    package var platform: String?
    package var architecture: Architecture
    package var flavours: [ModuleFlavour]
    /// The vGPU software release, such as `20.2`; nil for datacenter drivers.
    package var vgpuRelease: String?
    package var artifact: Artifact

    package init(
        version: DriverVersion,
        kind: DriverKind,
        platform: String? = nil,
        architecture: Architecture = .x86_64,
        flavours: [ModuleFlavour] = [.open, .proprietary],
        vgpuRelease: String? = nil,
        artifact: Artifact
    ) {
        self.version = version
        self.kind = kind
        self.platform = platform
        self.architecture = architecture
        self.flavours = flavours
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
    package var digest: Digest?
    /// Bytes, when known.
    package var size: Int?

    package init(urls: [String], digest: Digest?, size: Int? = nil) {
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

/// A checksum that a file must have.
package struct Digest: Codable, Sendable, Equatable, CustomStringConvertible {
    package enum Algorithm: String, Codable, Sendable {
        case sha256, sha512

        /// How many hexadecimal digits a checksum has.
        package var hexLength: Int { self == .sha256 ? 64 : 128 }
    }

    package var algorithm: Algorithm
    /// Lower-case hexadecimal.
    package var hex: String

    package init(_ algorithm: Algorithm, _ hex: String) {
        self.algorithm = algorithm
        self.hex = hex
    }

    package var description: String { "\(algorithm.rawValue):\(hex)" }
}
