import Catalog
import CoreSupport
import NodeModel
import TestSupport
import Testing

@Suite struct CatalogMergeTests {
    @Test func mergingTheRepositorysCatalogWithItselfChangesNothing() throws {
        let catalog = try repositoryCatalog()
        #expect(!catalog.gpus.isEmpty && !catalog.vgpuTypes.isEmpty)
        #expect(!catalog.platforms.isEmpty && !catalog.drivers.isEmpty)
        #expect(catalog.merged(with: catalog) == catalog)
        #expect(catalog.merged(with: Catalog()) == catalog)
        #expect(Catalog().merged(with: catalog) == catalog)
    }

    @Test func anEntryOfTheSameIdentityReplacesAndOthersAreAdded() throws {
        let base = try repositoryCatalog()
        let id = PCIID(vendor: 0x10de, device: 0x2321)
        let key = VGPUTypeKey(device: 0x2bb5, subsystemDevice: 0x2187)
        var mirrored = try #require(base.drivers.first { $0.kind == .grid })
        mirrored.artifact = .verified("https://mirror.example/grid.run")
        let overlay = Catalog(
            gpus: [CatalogGPU(id: id, name: "mine", architecture: "hopper", kernelModuleTypes: [.proprietary])],
            vgpuTypes: [CatalogVGPUType(key: key, name: "mine", kernelModuleTypes: [.open])],
            platforms: [CatalogPlatform(name: "azure", systemVendor: "Contoso", chassisAssetTag: nil)],
            drivers: [mirrored, try .datacenter("999.10.01")]
        )
        let merged = base.merged(with: overlay)

        #expect(merged.gpus[id]?.name == "mine")
        #expect(merged.vgpuTypes[key]?.name == "mine")
        #expect(merged.gpus.count == base.gpus.count)
        #expect(merged.vgpuTypes.count == base.vgpuTypes.count)
        #expect(merged.platforms.map(\.name) == base.platforms.map(\.name))
        #expect(merged.platforms.first { $0.name == "azure" }?.systemVendor == "Contoso")
        #expect(merged.drivers.count == base.drivers.count + 1)
        #expect(merged.drivers.first?.version == DriverVersion("999.10.01"))
        #expect(merged.drivers.first { $0.identity == mirrored.identity } == mirrored)
    }

    @Test func driversDifferByKindPlatformVersionAndArchitecture() throws {
        let driver = try CatalogDriver.grid("580.105.08", release: "19")
        var others = [driver, driver, driver, driver]
        others[0].kind = .datacenter
        others[1].platform = nil
        others[2].version = try #require(DriverVersion("580.105.8"))
        others[3].architecture = .aarch64
        let merged = Catalog(drivers: [driver]).merged(with: Catalog(drivers: others))
        #expect(merged.drivers.count == 5)
    }

    @Test func aNewPlatformIsTriedBeforeTheOldOnes() throws {
        let own = CatalogPlatform(name: "lab", systemVendor: "Microsoft Corporation", chassisAssetTag: nil)
        let merged = try repositoryCatalog().merged(with: Catalog(platforms: [own]))
        #expect(merged.platforms.first { $0.matches(.azure) }?.name == "lab")
    }
}
