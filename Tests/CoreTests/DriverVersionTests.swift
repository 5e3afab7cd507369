import FoundationEssentials
import NodeModel
import TestSupport
import Testing

@Suite struct DriverVersionTests {
    static let versions: [(text: String, numbers: [Int])] = [
        ("580.105.08", [580, 105, 8]),
        ("595.71", [595, 71]),
        ("390.157", [390, 157]),
        ("0.0.0", [0, 0, 0]),
        ("4294967295.0", [4_294_967_295, 0]),
    ]

    @Test(arguments: versions)
    func keepsItsTextAndKnowsItsNumbers(_ version: (text: String, numbers: [Int])) throws {
        let read = try #require(DriverVersion(version.text))
        #expect(read.numbers == version.numbers)
        #expect(read.branch == version.numbers[0])
        #expect(read.description == version.text)
        let json = try JSONEncoder().encode(read)
        #expect(String(decoding: json, as: UTF8.self) == "\"\(version.text)\"")
        #expect(try JSONDecoder().decode(DriverVersion.self, from: json) == read)
    }

    @Test(arguments: [
        "", ".", "580", "580.", ".105", "580..08", "580.105.08.1", "580.105.x", "v580.105", " 580.105", "580.105\n",
        "+580.105", "580.-0", "580.+5", "4294967296.0", "99999999999999999999.1", "５80.105", "580,105", "580.105.08;id",
    ])
    func refusesHostileText(_ text: String) throws {
        #expect(DriverVersion(text) == nil)
        let json = try JSONEncoder().encode(text)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(DriverVersion.self, from: json) }
    }

    @Test func orderIsTotalWhateverTheOrderOfTheInput() throws {
        let sorted = [
            "535.261.03", "580.95.05", "580.105", "580.105.08", "580.105.8", "580.105.10", "595.01.5", "595.1.5",
            "595.71.05",
        ]
        let versions = try sorted.map { try #require(DriverVersion($0)) }
        var random = SeededGenerator(seed: 1)
        for _ in 0..<200 { #expect(versions.shuffled(using: &random).sorted() == versions) }
        for (index, left) in versions.enumerated() {
            for (other, right) in versions.enumerated() {
                #expect((left < right) == (index < other))
                #expect((left == right) == (index == other))
            }
        }
    }
}
