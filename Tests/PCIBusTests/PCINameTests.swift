import NodeModel
import PCIBus
import Testing

/// The names of devices from lists of PCI IDs that are valid, old, damaged or missing.
@Suite struct PCINameTests {
    private let tree: SysfsTree

    init() throws {
        tree = try SysfsTree()
        try tree.add(.h100NVL)
    }

    private func list(_ name: String, _ text: String) throws -> PCINameList {
        try tree.write(name, Array(text.utf8))
        return .file("\(tree.path)/\(name)")
    }

    private func name(_ lists: [PCINameList]) async throws -> String? {
        let functions = try #require(await PCIScan(sysfs: tree.path).scan(nameLists: lists).functions.value)
        return try #require(functions.first).name
    }

    private static let good = """
        # A comment
        10de  NVIDIA Corporation
        \t2321  GH100 [H100L 94GB]
        \t\t10de 1839  A subsystem
        1414  Microsoft Corporation
        \t2321  Not this one
        """

    @Test func comesFromTheFirstListThatHasIt() async throws {
        let old = try list("old", "10de  NVIDIA Corporation\n\t102d  GK210GL [Tesla K80]\n")
        let good = try list("good", Self.good)
        let other = try list("other", "10de  NVIDIA Corporation\n\t2321  Another name\n")
        #expect(try await name([good]) == "GH100 [H100L 94GB]")
        #expect(try await name([.file("\(tree.path)/nothing"), other, good]) == "Another name")
        #expect(try await name([old, good]) == "GH100 [H100L 94GB]")
        #expect(try await name([]) == nil)
        #expect(try await name([.file("\(tree.path)/nothing")]) == nil)
    }

    @Test(arguments: ["", "10de  NVIDIA Corporation\n", "10de  NVIDIA Corporation\n\t2322  H800\n"])
    func isNilForADeviceThatTheListDoesNotKnow(_ text: String) async throws {
        #expect(try await name([try list("list", text)]) == nil)
    }

    @Test(arguments: [
        "10de  NVIDIA Corporation\n\t2321  GH100 [H100L 94GB]\nno such line\n",
        "\t2321  A device of nobody\n", "\0\0\0\0\0\0", "10de  NVIDIA\n\t\t\t\t2321  too deep\n",
    ])
    func aBrokenListIsNoneAndNotTheEndOfTheProcess(_ text: String) async throws {
        let broken = try list("broken", text)
        #expect(try await name([broken]) == nil)
        #expect(try await name([broken, try list("good", Self.good)]) == "GH100 [H100L 94GB]")
    }

    @Test func aDirectoryIsNoList() async throws {
        try tree.makeDirectory("list")
        #expect(try await name([.file("\(tree.path)/list"), try list("good", Self.good)]) == "GH100 [H100L 94GB]")
    }

    @Test func whatATerminalWouldObeyIsNoName() async throws {
        #expect(try await name([try list("list", "10de  NVIDIA\n\t2321  \u{1b}[2Jgone\n")]) == nil)
        let long = String(repeating: "x", count: 700)
        let cut = try await name([try list("list", "10de  NVIDIA\n\t2321  \(long)\n")])
        #expect((cut?.count ?? 0) < 256)
    }
}
