import NodeModel
import PCIBus
import Synchronization
import Testing

/// The names of devices from lists of PCI IDs that are valid, old, damaged or missing.
@Suite struct PCINameTests {
    private let tree: SysfsTree

    init() throws {
        tree = try SysfsTree()
        try tree.add(.h100NVL)
    }

    private func list(_ text: String) -> PCINameSource {
        { PCINameList(Array(text.utf8)) }
    }

    private func name(_ lists: [PCINameSource]) async throws -> String? {
        let functions = try #require(await PCIScan(sysfs: tree.path).scan(names: lists).functions.value)
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
        let old = list("10de  NVIDIA Corporation\n\t102d  GK210GL [Tesla K80]\n")
        let good = list(Self.good)
        let other = list("10de  NVIDIA Corporation\n\t2321  Another name\n")
        #expect(try await name([good]) == "GH100 [H100L 94GB]")
        #expect(try await name([{ nil }, other, good]) == "Another name")
        #expect(try await name([old, good]) == "GH100 [H100L 94GB]")
        #expect(try await name([]) == nil)
        #expect(try await name([{ nil }]) == nil)
    }

    @Test func readsNoListAfterTheFirstThatHasAllNames() async throws {
        let isRead = Mutex(false)
        let next: PCINameSource = {
            isRead.withLock { $0 = true }
            return nil
        }
        #expect(try await name([list(Self.good), next]) == "GH100 [H100L 94GB]")
        #expect(!isRead.withLock { $0 })
    }

    @Test(arguments: [
        "", "10de  NVIDIA Corporation\n", "10de  NVIDIA Corporation\n\t2322  H800\n", "10de  NVIDIA Corporation",
        "1414  Microsoft\n\t2321  Not this one\n", "\t2321  A device of nobody\n", "\0\0\0\0\0\0",
        "10de  NVIDIA\n\t\t\t\t2321  too deep\n", "10de  NVIDIA\n\t\t2321 1839  a subsystem\n",
        "10de  NVIDIA\n\t2321 one space\n", "10de  NVIDIA\n\t2321  \n", "10de  NVIDIA\n\t2321",
        "10de  NVIDIA\n1414  Microsoft\n\t2321  Not this one\n", "C 03  Display controller\n\t2321  A class\n",
        "010de  Nobody\n\t2321  Not this one\n", "1414  10de  \n\t2321  Not this one\n",
        // The file was cut off within the name.
        "10de  NVIDIA\n\t2321  GH100 [H1",
    ])
    func isNilForADeviceThatTheListDoesNotName(_ text: String) async throws {
        #expect(try await name([list(text)]) == nil)
        #expect(try await name([list(text), list(Self.good)]) == "GH100 [H100L 94GB]")
    }

    @Test func skipsCommentsAndWrongLines() async throws {
        let text = "10de  NVIDIA\n# a comment\n\n\tzzzz  no ID\n\t2321  GH100\nno such line\n\t2321  Another\n"
        #expect(try await name([list(text)]) == "GH100")
    }

    @Test func whatATerminalWouldObeyIsNoName() async throws {
        #expect(try await name([list("10de  NVIDIA\n\t2321  \u{1b}[2Jgone\n")]) == nil)
        let long = String(repeating: "x", count: 700)
        #expect(try await name([list("10de  NVIDIA\n\t2321  \(long)\n")]) == String(repeating: "x", count: 255))
    }
}
