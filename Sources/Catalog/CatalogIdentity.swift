package import NodeModel

/// The identity of a catalog entry.
///
/// An entry of a later catalog changes the entry with the same identity.
package enum CatalogIdentity: Sendable, Hashable, CustomStringConvertible {
    case gpu(PCIID)
    case vgpuType(VGPUTypeKey)
    case platform(String)
    case driver(String)
    case xid(Int)
    case sxid(Int)

    package var description: String {
        switch self {
        case .gpu(let id): id.description
        case .vgpuType(let key): key.description
        case .platform(let name), .driver(let name): name
        case .xid(let code), .sxid(let code): "\(code)"
        }
    }

    /// The list of the catalog file that contains such entries.
    package var list: String {
        switch self {
        case .gpu: "gpus"
        case .vgpuType: "vgpuTypes"
        case .platform: "platforms"
        case .driver: "drivers"
        case .xid: "xids"
        case .sxid: "sxids"
        }
    }
}
