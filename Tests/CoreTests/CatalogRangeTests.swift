import Catalog
import NodeModel
import Testing

@Suite struct CatalogRangeTests {
    @Test(
        arguments: [
            ("6.8.0-1044-azure", [6, 8, 0]), ("6.8", [6, 8]), ("5.15.0-1080-azure", [5, 15, 0]), ("6.8-rc1", [6, 8]),
            ("4.18.0-553.el8_10.x86_64", [4, 18, 0]), ("6.8.+", [6, 8]), ("6.17.0.1", [6, 17, 0]),
            ("6.8.99999", [6, 8]), ("6", nil), ("", nil), ("v6.8", nil), ("6.99999.3", nil), ("6..8", nil),
            ("٦.8", nil),
        ] as [(String, [Int]?)]
    )
    func readsTheNumbersOfARelease(_ release: String, _ numbers: [Int]?) {
        #expect(KernelVersion(release)?.numbers == numbers)
    }

    @Test(
        arguments: [
            ("5.4", "6.8", "5.4.0-1-azure", true), ("5.4", "6.8", "6.8.0-1044-azure", true),
            ("5.4", "6.8", "6.8.12", true), ("5.4", "6.8", "6.9.0", false), ("5.4", "6.8", "6.11.0-1-azure", false),
            ("5.4", "6.8", "5.3.18", false), ("5.4", "6.8", "4.18.0", false), ("5.4", "6.8", "7.0", false),
            (nil, "6.8", "3.10.0", true), ("6.8.5", nil, "6.8.4", false), ("6.8.5", nil, "6.8.5", true),
            ("6.8.5", nil, "6.10.0", true), (nil, nil, "6.17.0", true),
        ] as [(String?, String?, String, Bool)]
    )
    func aRangeTakesBothEndsIn(_ first: String?, _ last: String?, _ release: String, _ isIn: Bool) throws {
        let range = KernelRange(first: first.flatMap(KernelVersion.init), last: last.flatMap(KernelVersion.init))
        #expect(range.contains(try #require(KernelVersion(release))) == isIn)
    }

    @Test(
        arguments: [
            ("ubuntu", "ubuntu", "22.04", true), ("ubuntu 22.04", "ubuntu", "22.04", true),
            ("ubuntu 22.04", "ubuntu", "24.04", false), ("ubuntu 22.04", "debian", "22.04", false),
            ("ubuntu 22.04", "ubuntu", nil, false), ("arch", "arch", nil, true), ("rhel 8", "rhel", "8.9", true),
            ("rhel 8", "rhel", "8", true), ("rhel 8", "rhel", "88.1", false), ("rhel 8.6", "rhel", "8.60", false),
            ("rhel 8.6", "rhel", "8", false),
        ] as [(String, String, String?, Bool)]
    )
    func aSystemIsNamedByItsIDAndTheBeginningOfItsVersion(
        _ rule: String,
        _ id: String,
        _ version: String?,
        _ matches: Bool
    ) throws {
        let system = OSRelease(id: id, versionID: version, prettyName: nil)
        #expect(try #require(SystemRule(rule)).matches(system) == matches)
    }

    @Test(arguments: ["", " ", "ubuntu ", " ubuntu", "ubuntu 22.04 lts", "Ubuntu 22.04", "22.04 ubuntu", "ubuntu\t22"])
    func refusesASystemOfAnotherForm(_ text: String) {
        #expect(SystemRule(text) == nil)
    }
}
