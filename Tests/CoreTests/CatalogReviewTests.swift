import Catalog
import CoreSupport
import Documents
import Testing

@Suite struct CatalogReviewTests {
    /// The notes on files `1`, `2` and so on; lines count from the one below the header.
    private func notes(_ bodies: String...) throws -> [String] {
        let documents = try bodies.enumerated().map { number, body in
            try CatalogDocument.read(try YAMLDocument.parse(catalogHeader + body, file: "\(number + 1)")).get()
        }
        return CatalogReview(documents).notes.map { "\($0.place.file):\($0.place.line - 2): \($0.message)" }
    }

    private static func gpu(_ id: String, _ fields: String = "") -> String {
        "gpus: [{id: \(id), name: X, architecture: y, kernelModuleTypes: [proprietary], \(fields)}]\n"
    }

    private static func driver(
        _ version: String,
        _ fields: String = "kind: datacenter, kernelModuleTypes: [proprietary]"
    )
        -> String
    {
        "drivers: [{version: \(version), architecture: x86_64, artifact: {urls: [https://e.x/a.run]}, \(fields)}]\n"
    }

    @Test func theRepositorysCatalogHasNothingOdd() throws {
        #expect(CatalogReview(try repositoryDocuments()).notes.isEmpty)
    }

    @Test func itsCatalogIsThatOfTheMergedFiles() throws {
        let review = CatalogReview(try repositoryDocuments())
        #expect(review.catalog == (try repositoryCatalog()))
        #expect(review.places.count == 93 + 1462 + 14 + 94 + 111 + 164)
        #expect(review.places[.platform("azure")]?.file == "platforms.yaml")
    }

    @Test func namesBothPlacesOfAReplacedEntry() throws {
        let found = try notes(Self.gpu("10de:1db4"), "\n" + Self.gpu("10de:1db4"))
        #expect(found == ["2:2: '10de:1db4' in gpus changes the entry at 1:3:8"])
    }

    @Test func aFileThatStandsAloneReplacesNothing() throws {
        #expect(try notes(Self.gpu("10de:1db4"), "mode: replace\n" + Self.gpu("10de:1db4")).isEmpty)
    }

    @Test func namesDriversThatNothingLeadsTo() throws {
        let card = Self.gpu("10de:1db4", "maxBranch: 580")
        #expect(try notes(card + Self.driver("580.1")).isEmpty)
        #expect(
            try notes(card + Self.driver("595.1"))
                == ["1:2: datacenter-595.1-x86_64 is never selected: no GPU in the catalog supports it"]
        )
        #expect(
            try notes(card + Self.driver("580.1", "kind: datacenter, kernelModuleTypes: [open]"))
                == ["1:2: datacenter-580.1-x86_64 is never selected: no GPU in the catalog supports it"]
        )
        #expect(
            try notes(card + Self.driver("580.1", "kind: grid, kernelModuleTypes: [proprietary]"))
                == ["1:2: grid-580.1-x86_64 is never selected: no vGPU type in the catalog supports it"]
        )
        #expect(
            try notes(card + Self.driver("580.1", "kind: grid, kernelModuleTypes: [proprietary], platform: moon"))
                == ["1:2: grid-moon-580.1-x86_64 is never selected: no platform has the name 'moon'"]
        )
    }

    @Test func namesABoardThatIsAlsoAVGPUType() throws {
        let types = "vgpuTypes: [{device: 1db4, kernelModuleTypes: [proprietary], types: {1250: GRID V100-16Q}}]\n"
        #expect(
            try notes(Self.gpu("10de:1db4", "subsystems: [10de:1250, 10de:0001]") + types)
                == [
                    "1:1: board 10de:1250 of GPU 10de:1db4 is never recognized: its IDs are those of the vGPU type GRID V100-16Q"
                ]
        )
    }

    @Test func namesAPlatformThatAnotherAlwaysWinsOver() throws {
        let twice = "platforms: [{name: a, systemVendor: V}, {name: b, systemVendor: V}]\n"
        #expect(try notes(twice) == ["1:1: platform 'b' is never selected: platform 'a' always matches first"])
        let narrow = "platforms: [{name: b, systemVendor: V, chassisAssetTag: T}]\n"
        let wide = "platforms: [{name: a, systemVendor: V}]\n"
        #expect(try notes(narrow, wide) == ["1:1: platform 'b' is never selected: platform 'a' always matches first"])
        #expect(try notes(wide, narrow).isEmpty)
    }

    @Test func inOneFileTheOrderOfAWideAndANarrowPlatformDoesNotMatter() throws {
        let wide = "{name: a, systemVendor: V}"
        let narrow = "{name: b, systemVendor: V, chassisAssetTag: T}"
        #expect(try notes("platforms: [\(wide), \(narrow)]\n").isEmpty)
        #expect(try notes("platforms: [\(narrow), \(wide)]\n").isEmpty)
    }
}
