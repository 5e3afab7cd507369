package import NodeModel

/// What makes an entry the same entry in two catalogs.
package enum CatalogIdentity: Sendable, Hashable, CustomStringConvertible {
    case gpu(PCIID)
    case vgpuType(VGPUTypeKey)
    case platform(String)
    case driver(String)

    package var description: String {
        switch self {
        case .gpu(let id): id.description
        case .vgpuType(let key): key.description
        case .platform(let name), .driver(let name): name
        }
    }

    /// The list of a catalog file in which such an entry stands.
    package var list: String {
        switch self {
        case .gpu: "gpus"
        case .vgpuType: "vgpuTypes"
        case .platform: "platforms"
        case .driver: "drivers"
        }
    }
}
