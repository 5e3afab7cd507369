/// One of the lists in the catalog.
package enum CatalogList: String, Sendable, CaseIterable {
    case gpus
    case vgpuTypes = "vgpu-types"
    case platforms, drivers, xids, sxids
}
