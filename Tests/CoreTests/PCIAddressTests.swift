import FoundationEssentials
import NodeModel
import Testing

@Suite struct PCIAddressTests {
    static let addresses: [(text: String, written: String)] = [
        ("0000:3b:00.0", "0000:3b:00.0"),
        ("0001:00:1f.7", "0001:00:1f.7"),
        ("00000000:3B:00.0", "0000:3b:00.0"),
        ("00000001:00:00.0", "0001:00:00.0"),
        ("10000:e1:00.0", "10000:e1:00.0"),
        ("FFFFFFFF:FF:1F.7", "ffffffff:ff:1f.7"),
    ]

    @Test(arguments: addresses)
    func isWrittenAsSysfsWritesIt(_ address: (text: String, written: String)) throws {
        let read = try #require(PCIAddress(address.text))
        #expect(read.description == address.written)
        #expect(PCIAddress(read.description) == read)
        let json = Data("\"\(address.text)\"".utf8)
        #expect(try JSONDecoder().decode(PCIAddress.self, from: json) == read)
        #expect(String(decoding: try JSONEncoder().encode(read), as: UTF8.self) == "\"\(address.written)\"")
    }

    @Test func nvmlsAddressEqualsTheOneOfSysfs() {
        #expect(PCIAddress("00000001:00:00.0") == PCIAddress("0001:00:00.0"))
    }

    @Test(arguments: [
        "", ":", "::", "::.", "0000:3b:00", "3b:00.0", "0000:3b:00.0.0", "0000:3b:00:0", "0000:3b:20.0", "0000:3b:00.8",
        "0000:100:00.0", "100000000:3b:00.0", "000g:3b:00.0", " 0000:3b:00.0", "0000:3b:00.0\n", "+000:3b:00.0",
        "0000:+b:00.0", "0000:3b:-0.0", "0000:3b:00.+0", "0000:３b:00.0", "0000:3b:00.", "../../etc/passwd",
    ])
    func refusesHostileText(_ text: String) throws {
        #expect(PCIAddress(text) == nil)
        let json = try JSONEncoder().encode(text)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(PCIAddress.self, from: json) }
    }

    @Test func isOrderedByNumbersAndNotByText() throws {
        let sorted = ["0000:3b:00.0", "0000:3b:00.1", "0000:3b:01.0", "0000:af:00.0", "0001:00:00.0", "10000:00:00.0"]
        let addresses = try sorted.map { try #require(PCIAddress($0)) }
        #expect(addresses.reversed().sorted() == addresses)
    }
}

@Suite struct PCIIDTests {
    @Test func isWrittenInLowerCaseWithAllDigits() throws {
        let id = try #require(PCIID("10DE:00B5"))
        #expect(id == PCIID(vendor: 0x10de, device: 0x00b5))
        #expect(id.description == "10de:00b5")
        #expect(try JSONDecoder().decode(PCIID.self, from: try JSONEncoder().encode(id)) == id)
    }

    @Test(arguments: [
        "", "10de", "10de:", ":2bb5", "10de:2bb5:0", "10de:2bb", "10de:02bb5", "10dg:2bb5", "+0de:2bb5", "10de:-000",
        "10de:2bb５", "10de 2bb5", "0x10:2bb5",
    ])
    func refusesHostileText(_ text: String) throws {
        #expect(PCIID(text) == nil)
        let json = try JSONEncoder().encode(text)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(PCIID.self, from: json) }
    }
}
