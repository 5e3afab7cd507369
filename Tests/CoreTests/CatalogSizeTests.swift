import Catalog
import CoreSupport
import Support
import Testing

/// The sizes of the driver packages.
///
/// A wrong size makes every download of the package fail.
@Suite struct CatalogSizeTests {
    /// The start of the package's SHA-256 checksum, and its size in bytes, as Flathub's NVIDIA runtimes and the FreeBSD
    /// ports list them together.
    private static let published = [
        "e87477958bf76307": 423_333_820, "99c404e52131bf27": 423_524_924, "36203b8960b7e49c": 423_133_031,
        "8c0d4f967b7932c4": 422_873_955, "b9e2f80693781431": 416_273_526, "5975a86ee45bffcb": 397_214_534,
        "8d8eb9001e05a9a8": 398_312_209, "d9c6e8188672f3eb": 396_635_119, "849ef0ef8e842b98": 396_658_958,
        "3eecf832da2e15e0": 396_357_884, "219be636b60931b0": 393_683_997, "2d6bd25997966237": 376_235_013,
        "f06d25ce3f1802ea": 375_778_425, "0256867e082caf93": 375_905_456, "4563ea4bb654247f": 375_504_315,
        "34070434527ec9d5": 306_886_562, "8c497ff1cfc7c310": 306_861_083, "f20c32fd6ecd1f70": 341_968_325,
        "7e95065caa6b82de": 341_691_657, "e6dca5626a2608c6": 341_660_534, "d6451862deb695bb": 272_850_014,
    ]

    @Test func everyPublishedSizeIsInTheCatalogAndNoOther() throws {
        let drivers = try repositoryCatalog().drivers
        for (checksum, size) in Self.published {
            let sizes = drivers.filter { $0.artifact.digest?.hex.hasPrefix(checksum) == true }.map(\.artifact.size)
            #expect(sizes == [size], "\(checksum)")
        }
        #expect(drivers.filter { $0.artifact.size != nil }.count == Self.published.count)
    }
}
