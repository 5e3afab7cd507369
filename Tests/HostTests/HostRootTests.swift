import Glibc
import NodeModel
import SystemPackage
import TestSupport
import Testing

@testable import Host

@Suite struct HostRootTests {
    private let outside: TemporaryDirectory
    private let tree: TemporaryDirectory
    private let root: HostRoot

    init() throws {
        outside = try TemporaryDirectory()
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
        try outside.write("secret", "outside")
    }

    @Test func readsAFile() throws {
        try tree.write("etc/hostname", "node-1\n")
        #expect(try root.text("/etc/hostname") == "node-1\n")
        #expect(try root.text("/etc/absent") == nil)
        #expect(try root.text("/absent/hostname") == nil)
    }

    @Test func keepsAbsoluteLinksInside() throws {
        try tree.write("usr/lib/os-release", "ID=debian")
        try tree.link("etc/os-release", to: "/usr/lib/os-release")
        #expect(try root.text("/etc/os-release") == "ID=debian")
        #expect(try root.resolve("/etc/os-release") == "/usr/lib/os-release")
    }

    @Test func doesNotFollowALinkOutOfTheTree() throws {
        try tree.link("absolute", to: outside.path("secret"))
        try tree.link("relative", to: "../../../../../../../../..\(outside.path("secret"))")
        try tree.link("etc/directory", to: outside.path)
        #expect(try root.text("/absolute") == nil)
        #expect(try root.text("/relative") == nil)
        #expect(try root.text("/etc/directory/secret") == nil)
        #expect(try root.text(HostPath.root.appending("../..\(outside.path("secret"))")) == nil)
        #expect(try root.resolve("/../..") == .root)
    }

    @Test func doesNotFollowTheLinksOfProc() throws {
        let host = try HostRoot("/")
        #expect(throws: HostError.self) { try host.text("/proc/self/root/etc/passwd") }
    }

    @Test func tellsADanglingLinkFromALoop() throws {
        try tree.link("dangling", to: "/nowhere")
        try tree.link("loop", to: "/loop")
        #expect(try root.text("/dangling") == nil)
        #expect(try root.exists("/dangling") == false)
        #expect(try root.status("/dangling", followLink: false)?.kind == .link)
        #expect(root.reading("/dangling").isAbsent)
        #expect(root.reading("/loop").failure?.reason == .io)
    }

    @Test func refusesWhatIsNoFile() throws {
        try tree.makeDirectory("etc/os-release")
        #expect(mkfifo(tree.path("pipe"), 0o600) == 0)
        #expect(throws: HostError.self) { try root.text("/etc/os-release") }
        #expect(root.reading("/etc/os-release").failure?.reason == .io)
        #expect(root.reading("/pipe").failure?.reason == .io)
    }

    @Test func refusesALargeFileInsteadOfCuttingIt() throws {
        try tree.write("log", String(repeating: "x", count: 101))
        #expect(try root.read("/log", limit: 101)?.count == 101)
        #expect { try root.read("/log", limit: 100) } throws: { error in
            if case HostError.tooLarge("/log", limit: 100) = error { true } else { false }
        }
    }

    @Test func readsFilesThatSayTheyAreEmpty() throws {
        let host = try HostRoot("/")
        #expect(try host.status("/proc/sys/kernel/osrelease")?.size == 0)
        #expect(try host.text("/proc/sys/kernel/osrelease")?.isEmpty == false)
    }

    @Test func listsADirectory() throws {
        try tree.write("dev/nvidia0", "")
        try tree.write("dev/nvidiactl", "")
        try tree.link("dev/fd", to: "/proc/self/fd")
        #expect(try root.list("/dev") == ["fd", "nvidia0", "nvidiactl"])
        #expect(try root.list("/absent") == nil)
        #expect(throws: HostError.self) { try root.list("/dev/nvidia0") }
    }

    @Test func looksAtDevicesAndModes() throws {
        let host = try HostRoot("/")
        let null = try #require(try host.status("/dev/null"))
        #expect(null.kind == .characterDevice)
        #expect(null.device == .init(major: 1, minor: 3))
        try tree.write("bin/tool", "")
        #expect(try root.status("/bin/tool")?.isExecutable == false)
        chmod(tree.path("bin/tool"), 0o755)
        #expect(try root.status("/bin/tool")?.isExecutable == true)
        #expect(try root.isDirectory("/bin"))
    }

    @Test func resolvesBelowTheHostsOwnRoot() throws {
        let host = try HostRoot("/proc/self/root")
        #expect(try host.resolve("/proc/../etc/passwd") == "/etc/passwd")
        #expect(host.outsidePath("/etc/passwd") == "/proc/self/root/etc/passwd")
        #expect(try HostRoot("/").outsidePath("/etc/passwd") == "/etc/passwd")
        #expect(try root.resolve("/absent") == nil)
    }

    @Test func measuresFreeSpace() throws {
        let space = try #require(try root.freeSpace("/"))
        #expect(space.mebibytes > 0 && UInt64(space.fileSystem) != nil)
        #expect(try root.freeSpace("/absent") == nil)
    }

    @Test func namesTheRootThatCannotBeOpened() {
        #expect { try HostRoot("/nowhere/at/all") } throws: { error in
            "\(error)" == "cannot open the host's root directory /nowhere/at/all"
        }
    }

    @Test func saysWhyAFactIsUnreadable() throws {
        try tree.write("version", "garbage")
        let failure = root.reading("/version", parse: Int.init).failure
        #expect(failure == ReadFailure(.malformed, "/version: 'garbage'"))
        let denied = HostError.file(.read, "/sys/x", cause: .permissionDenied)
        #expect(ReadFailure(denied).reason == .permission)
        #expect(ReadFailure(denied).detail == "cannot read /sys/x: Permission denied")
    }
}
