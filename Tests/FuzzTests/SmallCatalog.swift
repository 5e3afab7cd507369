import Catalog
import NodeModel
import Support

/// A catalog with the GPUs of the scenarios, small enough to use in every run.
enum SmallCatalog {
    static let catalog = Catalog(
        gpus: [
            CatalogGPU(
                id: nvidia(0x2321),
                name: "H100 NVL",
                architecture: "hopper",
                kernelModuleTypes: [.open, .proprietary]
            ),
            CatalogGPU(id: nvidia(0x2bb5), name: "RTX PRO 6000", architecture: "blackwell", kernelModuleTypes: [.open]),
        ],
        vgpuTypes: [
            CatalogVGPUType(
                key: VGPUTypeKey(device: 0x2bb5, subsystemDevice: 0x2187),
                name: "NVIDIA RTX Pro 6000 Blackwell DC-4-96Q",
                kernelModuleTypes: [.open],
                minBranch: 580
            )
        ],
        platforms: [CatalogPlatform(name: "azure", systemVendor: "Microsoft Corporation", chassisAssetTag: nil)],
        drivers: [
            driver("595.91.07", .grid, platform: "azure", release: "20.2"),
            driver("580.105.08", .grid, platform: "azure", release: "19.2", hasDigest: false),
            driver("595.71.05", .datacenter),
            driver("580.159.04", .datacenter),
        ].compactMap(\.self)
    )

    private static func nvidia(_ device: UInt16) -> PCIID { PCIID(vendor: PCIFunction.nvidiaVendor, device: device) }

    private static func driver(
        _ version: String,
        _ kind: DriverKind,
        platform: String? = nil,
        release: String? = nil,
        hasDigest: Bool = true
    ) -> CatalogDriver? {
        DriverVersion(version).map {
            CatalogDriver(
                version: $0,
                kind: kind,
                platform: platform,
                vgpuRelease: release,
                artifact: Artifact(
                    urls: ["https://example.com/NVIDIA-\(version).run"],
                    digest: hasDigest ? Checksum(.sha256, String(repeating: "cd", count: 32)) : nil
                )
            )
        }
    }
}
