import Glibc
import HostSupport
import NodeModel
import TestSupport
import Testing

@testable import Host

/// Finds the processes that have a device node of the driver open.
@Suite struct ClaimDeviceUsersTests {
    private let tree: TemporaryDirectory
    private let root: HostRoot

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
        try add(1, "systemd", [])
    }

    private func add(_ process: Int, _ command: String, _ open: [String]) throws {
        try tree.makeDirectory("proc/\(process)/fd")
        try tree.write("proc/\(process)/comm", "\(command)\n")
        for (number, target) in open.enumerated() { try tree.link("proc/\(process)/fd/\(number)", to: target) }
    }

    @Test func readsTheLinksOfEveryProcess() throws {
        try add(4711, "python3", ["/dev/null", "/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia0", "socket:[17]"])
        try add(88, "nvidia-persiste", ["/dev/nvidia0 (deleted)", "/dev/nvidia-caps/nvidia-cap1"])
        try add(99, "editor", ["/home/x/dev/nvidia-notes.txt", "/dev/nvme0", "/var/log/nvidia-installer.log"])
        try tree.write("proc/cpuinfo", "")
        let expected = [
            DeviceUser(pid: 88, command: "nvidia-persiste", nodes: ["nvidia-caps/nvidia-cap1", "nvidia0"]),
            DeviceUser(pid: 4711, command: "python3", nodes: ["nvidia0", "nvidiactl"]),
        ]
        #expect(ClaimProbe.deviceUsers(root) == .present(expected))
    }

    @Test func isSureWhenNobodyHasOne() {
        #expect(ClaimProbe.deviceUsers(root) == .present([]))
    }

    @Test func passesOverAProcessThatHasEnded() throws {
        try tree.makeDirectory("proc/4711")
        try tree.makeDirectory("proc/4712/fd")
        try tree.link("proc/4712/fd/0", to: "/dev/nvidia0")
        #expect(ClaimProbe.deviceUsers(root) == .present([]))
    }

    @Test func oneProcessThatCannotBeSeenMayBeAUser() throws {
        try add(4711, "python3", ["/dev/nvidia0"])
        try tree.write("proc/4712/fd", "not a directory")
        #expect(ClaimProbe.deviceUsers(root).failure?.reason == .io)
    }

    @Test func aListOfProcessesWithoutTheFirstHidesSome() throws {
        let other = try TemporaryDirectory()
        try other.makeDirectory("proc/4711/fd")
        #expect(ClaimProbe.deviceUsers(try HostRoot(other.path)).failure?.reason == .permission)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root, to give it up"))
    func cannotTellWithoutRights() async {
        await #expect(processExitsWith: .success) {
            let root = try HostRoot("/")
            #expect(setuid(65534) == 0)
            #expect(ClaimProbe.deviceUsers(root).failure?.reason == .permission)
        }
    }

    @Test func takesTheNodeOutOfTheLink() {
        #expect(ClaimProbe.node("/dev/nvidia0") == "nvidia0")
        #expect(ClaimProbe.node("/host/dev/nvidia-uvm") == "nvidia-uvm")
        #expect(ClaimProbe.node("/dev/nvidia3 (deleted)") == "nvidia3")
        #expect(ClaimProbe.node("/dev/dri/card0") == nil)
        #expect(ClaimProbe.node("/dev/nvram") == nil)
    }

    /// A process that has a device node open under a path outside of the host's `/dev`.
    @Test(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(2)))
    func findsARealProcess() async throws {
        try await PrivateHost.with { host in
            #expect(ClaimProbe.deviceUsers(host.root) == .present([]))
            let script = """
                mkdir -p /run/host/dev && cd /run/host/dev
                mknod nvidia0 c 1 3 && echo x >nvidia-notes
                sleep 1000 <nvidia0 >/dev/null 2>&1 &
                sleep 1001 <nvidia-notes >/dev/null 2>&1 &
                """
            _ = try await host.commands.run(["sh", "-ec", script], deadline: .seconds(20))
            let users = try #require(ClaimProbe.deviceUsers(host.root).value)
            #expect(users.map(\.command) == ["sleep"])
            #expect(users.map(\.nodes) == [["nvidia0"]])
        }
    }
}
