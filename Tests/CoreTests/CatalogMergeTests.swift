import Catalog
import CoreSupport
import FoundationEssentials
import NodeModel
import Reporting
import Support
import TestSupport
import Testing

@Suite struct CatalogMergeTests {
    @Test func mergingTheRepositorysCatalogWithItselfChangesNothing() throws {
        let catalog = try repositoryCatalog()
        #expect(!catalog.gpus.isEmpty && !catalog.vgpuTypes.isEmpty)
        #expect(!catalog.platforms.isEmpty && !catalog.drivers.isEmpty)
        #expect(!catalog.xids.isEmpty && !catalog.sxids.isEmpty)
        #expect(catalog.merged(with: catalog) == catalog)
        #expect(catalog.merged(with: Catalog()) == catalog)
        #expect(Catalog().merged(with: catalog) == catalog)
    }

    @Test func anEntryOfTheSameIdentityChangesItAndOthersAreAdded() throws {
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

    /// An entry keeps what it does not give, for every field that decides about drivers.
    @Test func anEntryKeepsTheFieldsThatItDoesNotGive() throws {
        let base = try repositoryCatalog()
        let card = try #require(base.gpus.values.first { $0.fabricManager == .withNVSwitch && $0.minBranch != nil })
        let driver = try #require(base.drivers.first { $0.fabricManager == true && $0.channel != nil })
        let type = try #require(base.vgpuTypes.values.first { $0.minBranch != nil })
        let bare = Catalog(
            gpus: [
                CatalogGPU(id: card.id, name: card.name, architecture: card.architecture, kernelModuleTypes: [.open])
            ],
            vgpuTypes: [CatalogVGPUType(key: type.key, name: type.name, kernelModuleTypes: type.kernelModuleTypes)],
            drivers: [
                CatalogDriver(
                    version: driver.version,
                    kind: driver.kind,
                    platform: driver.platform,
                    architecture: driver.architecture,
                    kernelModuleTypes: driver.kernelModuleTypes,
                    artifact: Artifact(urls: ["https://mirror.example/driver.run"], digest: nil)
                )
            ]
        )
        var expected = (card: card, driver: driver)
        expected.card.kernelModuleTypes = [.open]
        expected.driver.artifact.urls = ["https://mirror.example/driver.run"]
        let merged = base.merged(with: bare)
        #expect(merged.gpus[card.id] == expected.card)
        #expect(merged.vgpuTypes[type.key] == type)
        #expect(merged.drivers.first { $0.identity == driver.identity } == expected.driver)

        let all: Set<CatalogIdentity> = [.gpu(card.id), .vgpuType(type.key), .driver(driver.identity)]
        let replaced = base.merged(with: bare, replacing: all)
        #expect(replaced.gpus[card.id] == bare.gpus[card.id])
        #expect(replaced.vgpuTypes[type.key] == bare.vgpuTypes[type.key])
        #expect(replaced.drivers.first { $0.identity == driver.identity } == bare.drivers.first)
    }

    @Test func anotherChecksumHasAnotherSize() throws {
        var old = try CatalogDriver.datacenter("580.105.08")
        old.artifact = Artifact(urls: ["https://a.example/x.run"], digest: Checksum(.sha256, "aa"), size: 7)
        var new = old
        new.artifact = Artifact(urls: ["https://b.example/x.run"], digest: Checksum(.sha256, "bb"))
        let merged = Catalog(drivers: [old]).merged(with: Catalog(drivers: [new]))
        #expect(merged.drivers.first?.artifact == new.artifact)
    }

    /// What a replaced entry loses is told, because it can change the driver of a node.
    @Test func tellsWhatIsLost() throws {
        let base = try repositoryCatalog()
        let card = try #require(base.gpus.values.first { $0.fabricManager == .withNVSwitch })
        let text = """
            apiVersion: gpu-agent/v1
            kind: DriverCatalog
            gpus:
              - {id: \(card.id), name: mine, architecture: hopper, kernelModuleTypes: [open], replace: true}
            """
        let document = try readCatalog([UInt8](text.utf8), file: "own.yaml")
        #expect(document.replacing == [.gpu(card.id)])
        let changes = CatalogChange.between(base, base.applying(document))
        #expect(changes.count == 1)
        let loss = try #require(changes.first?.loss)
        #expect(loss.hasPrefix("'\(card.id)' in gpus no longer has fabricManager"))
        // Without `replace`, only the name changes.
        let extended = try readCatalog([UInt8](text.replacing(", replace: true", with: "").utf8), file: "own.yaml")
        #expect(CatalogChange.between(base, base.applying(extended)).allSatisfy { $0.loss == nil })
        // A file that replaces the whole catalog loses every other entry.
        let alone = try readCatalog(
            [UInt8](text.replacing("gpus:", with: "mode: replace\ngpus:").utf8),
            file: "own.yaml"
        )
        let lost = CatalogChange.between(base, base.applying(alone)).compactMap(\.loss)
        #expect(lost.contains("The catalog no longer has '\(base.drivers[0].identity)' in drivers."))
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
        #expect(merged.platforms.first { $0.matches(NodeFacts.noGPU.host) }?.name == "lab")
    }
}
