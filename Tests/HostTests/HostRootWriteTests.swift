import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Host

@Suite struct HostRootWriteTests {
    private let tree: TemporaryDirectory
    private let root: HostRoot

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
    }

    @Test func replacesAFileAsAWhole() throws {
        try root.makeDirectories("/var/lib/gpu-agent")
        try root.writeAtomically("/var/lib/gpu-agent/journal.json", contents: Array("one".utf8), mode: 0o640)
        guard let reader = try root.openFile("/var/lib/gpu-agent/journal.json") else {
            Issue.record("the file is gone")
            return
        }
        try root.writeAtomically("/var/lib/gpu-agent/journal.json", contents: Array("second".utf8), mode: 0o640)
        #expect(try reader.read(at: 0, count: 100) == Array("one".utf8))
        #expect(try tree.text("var/lib/gpu-agent/journal.json") == "second")
        #expect(try root.status("/var/lib/gpu-agent/journal.json")?.mode == 0o640)
        #expect(try root.list("/var/lib/gpu-agent") == ["journal.json"])
    }

    @Test func leavesNoDraftWhenItCannotReplace() throws {
        try tree.makeDirectory("etc/conf")
        try tree.write("etc/conf/x", "")
        #expect(throws: HostError.self) { try root.writeAtomically("/etc/conf", contents: [1]) }
        #expect(try root.list("/etc") == ["conf"])
    }

    @Test func writesInsideTheTreeOnly() throws {
        let outside = try TemporaryDirectory()
        try tree.link("var", to: outside.path)
        #expect(throws: HostError.self) { try root.writeAtomically("/var/file", contents: [1]) }
        #expect(throws: HostError.self) { try root.makeDirectories("/var/lib") }
        #expect(!outside.exists("file"))
        #expect(!outside.exists("lib"))
    }

    @Test func replacesALinkAndNotWhatItLeadsTo() throws {
        try tree.write("usr/real", "real")
        try tree.link("usr/name", to: "/usr/real")
        try root.writeAtomically("/usr/name", contents: Array("new".utf8))
        #expect(try tree.text("usr/real") == "real")
        #expect(try tree.text("usr/name") == "new")
    }

    @Test func refusesADirectoryWhereAFileIs() throws {
        try tree.write("var", "")
        #expect(throws: HostError.self) { try root.makeDirectories("/var/lib") }
        #expect(throws: HostError.self) { try root.openDirectory("/var") }
        #expect(throws: HostError.self) { try root.openDirectory("/absent") }
    }

    @Test func opensADirectoryForOthers() throws {
        let directory = try root.openDirectory("/var/cache/gpu-agent", create: true)
        defer { try? directory.close() }
        #expect(mkdirat(directory.rawValue, "inside", 0o755) == 0)
        #expect(tree.exists("var/cache/gpu-agent/inside"))
    }

    @Test func removesOnlyWhatIsNamed() throws {
        let outside = try TemporaryDirectory()
        try outside.write("kept", "")
        try tree.write("work/a/b/file", "")
        try tree.link("work/link", to: outside.path)
        try tree.link("work/a/host", to: "/usr")
        try tree.write("usr/kept", "")
        #expect(throws: HostError.self) { try root.remove("/work") }
        try root.removeTree("/work")
        try root.removeTree("/work")
        #expect(!tree.exists("work"))
        #expect(outside.exists("kept"))
        #expect(tree.exists("usr/kept"))
        try root.remove("/usr/kept")
        try root.remove("/usr")
        try root.remove("/usr/absent/file")
        #expect(try root.list("/") == [])
    }
}
