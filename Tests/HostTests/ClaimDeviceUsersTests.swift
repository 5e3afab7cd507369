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

    private static let devices = """
        Character devices:
          1 mem
        195 nvidia
        195 nvidia-modeset
        195 nvidiactl
        508 nvidia-caps
        511 nvidia-uvm

        Block devices:
        511 nvidia-looks-like-it
        """

    private func add(_ process: Int, _ command: String, _ open: [String]) throws {
        try tree.makeDirectory("proc/\(process)/fd")
        try tree.write("proc/\(process)/comm", "\(command)\n")
        for (number, target) in open.enumerated() { try tree.link("proc/\(process)/fd/\(number)", to: target) }
    }

    /// Makes a character device that no driver needs to serve, and returns its path.
    private func node(_ name: String, _ major: UInt32, _ minor: UInt32) throws -> String {
        try tree.makeDirectory("nodes")
        let path = tree.path("nodes/\(name)")
        try #require(mknod(path, S_IFCHR | 0o666, dev_t(major << 8 | minor)) == 0, "cannot make \(path)")
        return path
    }

    /// The process that waits for the events of NVML leaves when somebody takes the lock, and is in the way until then.
    @Test(.enabled(if: geteuid() == 0, "needs root, to make device nodes"))
    func theProcessThatWaitsForEventsCountsWhileTheLockIsHeld() async throws {
        try tree.write("proc/devices", Self.devices)
        let card = try node("card", 195, 0)
        let library = "/usr/lib/libnvidia-ml.so.580.105.08"
        let commands = [
            (10, "gpu-agent", ["gpu-agent", "vendor-probe", "--nvml", library, "--events"]),
            (11, "gpu-agent", ["gpu-agent", "vendor-probe", "--nvml", library]),
            (12, "python3", ["python3", "vendor-probe", "--events"]), (13, "gpu-agent", []),
        ]
        for (process, command, words) in commands {
            try add(process, command, [card])
            if !words.isEmpty { try tree.write("proc/\(process)/cmdline", words.map { "\($0)\0" }.joined()) }
        }
        #expect(ClaimProbe.deviceUsers(root).value?.map(\.pid) == [11, 12, 13])
        let lock = try await HostLock.acquire(on: root, deadline: .zero, as: "gpu-agent install")
        #expect(ClaimProbe.deviceUsers(root).value?.map(\.pid) == [10, 11, 12, 13])
        lock.release()
        #expect(ClaimProbe.deviceUsers(root).value?.map(\.pid) == [11, 12, 13])
    }

    /// The names lie: only the numbers tell what is open.
    @Test(.enabled(if: geteuid() == 0, "needs root, to make device nodes"))
    func readsTheNumbersOfEveryDescriptor() throws {
        try tree.write("proc/devices", Self.devices)
        try tree.write("nodes/nvidia-fake", "a file of a container")
        let (null, card) = (try node("nvidia0", 1, 3), try node("anything", 195, 0))
        let (control, again) = (try node("x", 195, 255), try node("y", 195, 0))
        let (uvm, caps) = (try node("u", 511, 0), try node("c", 508, 1))
        try add(4711, "python3", [null, control, card, again, uvm, "socket:[17]"])
        try add(88, "nvidia-persiste", [card, caps, "/gone"])
        try add(99, "editor", [tree.path("nodes/nvidia-fake"), null])
        try tree.write("proc/cpuinfo", "")
        let expected = [
            DeviceUser(pid: 88, command: "nvidia-persiste", nodes: ["nvidia-caps/nvidia-cap1", "nvidia0"]),
            DeviceUser(pid: 4711, command: "python3", nodes: ["nvidia-uvm", "nvidia0", "nvidiactl"]),
        ]
        #expect(ClaimProbe.deviceUsers(root) == .present(expected))
    }

    @Test(.enabled(if: geteuid() == 0, "needs root, to make device nodes"))
    func namesThePodOrTheServiceOfAProcess() throws {
        try tree.write("proc/devices", Self.devices)
        let card = try node("card", 195, 0)
        let uid = "8f2b1c0e-1111-4222-8333-944444444444"
        try tree.makeDirectory("var/log/pods/ml_train-0_\(uid)")
        for (process, group) in [
            (10, "kubepods.slice/kubepods-pod\(uid.replacing("-", with: "_")).slice/cri-containerd-1.scope"),
            (11, "kubepods/burstable/pod0b2b1c0e-1111-4222-8333-944444444444/2"),
            (12, "system.slice/nvidia-persistenced.service"), (13, "user.slice/user-0.slice/session-3.scope"),
        ] {
            try add(process, "p", [card])
            try tree.write("proc/\(process)/cgroup", "0::/../\(group)\n")
        }
        try add(14, "p", [card])
        let users = try #require(ClaimProbe.deviceUsers(root).value)
        #expect(
            users.map(\.name) == [
                "p (10, pod ml/train-0)", "p (11, pod 0b2b1c0e-1111-4222-8333-944444444444)",
                "p (12, nvidia-persistenced.service)", "p (13)", "p (14)",
            ]
        )
    }

    @Test(
        arguments: [
            (
                "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8f2b1c0e_1111_4222_8333_944444444444.slice/x",
                "8f2b1c0e-1111-4222-8333-944444444444", nil
            ),
            (
                "12:memory:/kubepods/podfedcba98765432100123456789abcdef/1\n1:name=systemd:/x",
                "fedcba98765432100123456789abcdef", nil
            ),
            (
                "0::/kubepods/pod8f2b1c0e-1111-4222-8333-944444444444/init/system.slice/inner.service",
                "8f2b1c0e-1111-4222-8333-944444444444", nil
            ),
            ("0::/machine.slice/pod-of-somebody.slice/podman-1.scope", nil, nil),
            ("3:cpu:/\n0::/system.slice/docker.service/child", nil, "docker.service"),
            ("0::/", nil, nil), ("", nil, nil), ("garbage\n:::::\n\u{0}", nil, nil),
        ] as [(String, String?, String?)]
    ) func readsTheControlGroups(_ text: String, _ pod: String?, _ unit: String?) {
        let owner = ProcessOwner(text)
        #expect(owner.podUID == pod)
        #expect(owner.unit == unit)
    }

    /// The numbers of the driver's first three devices are fixed.
    @Test func knowsTheFixedNumberWithoutTheList() {
        let devices = NVIDIADevices("")
        #expect(devices.node(major: 195, minor: 3) == "nvidia3")
        #expect(devices.node(major: 195, minor: 254) == "nvidia-modeset")
        #expect(devices.node(major: 511, minor: 0) == nil)
        #expect(NVIDIADevices(Self.devices).node(major: 511, minor: 1) == "nvidia-uvm-tools")
        #expect(NVIDIADevices("Character devices:\n236 gdrdrv\n237 gdr\n").node(major: 236, minor: 0) == "gdrdrv")
        #expect(NVIDIADevices("Character devices:\n236 gdrdrv\n237 gdr\n").node(major: 237, minor: 0) == nil)
        #expect(NVIDIADevices("Character devices:\n99999999999 nvidia-x\n7\n").node(major: 7, minor: 0) == nil)
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

    /// A container without a GPU can have a file of that name in its own `/dev`.
    @Test(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(2)))
    func findsARealProcess() async throws {
        try await PrivateHost.with { host in
            #expect(ClaimProbe.deviceUsers(host.root) == .present([]))
            let script = """
                mkdir -p /run/host/dev && cd /run/host/dev
                mknod not-its-name c 1 5 && echo x >nvidia-fake
                sleep 1000 <not-its-name >/dev/full 2>&1 &
                sleep 1001 <nvidia-fake >nvidia-fake 2>&1 &
                """
            _ = try await host.commands.run(["sh", "-ec", script], deadline: .seconds(60))
            #expect(ClaimProbe.deviceUsers(host.root) == .present([]))
            // The memory devices stand in for the driver's, which cannot be opened without a GPU.
            let memory = NVIDIADevices("Character devices:\n  1 nvidia-mem\n")
            // The shell does not wait for the programs in the background.
            try await eventually("the program has the device node open") {
                let users = ClaimProbe.deviceUsers(host.root, memory).value ?? []
                return users.contains { $0.command == "sleep" && $0.nodes.contains("nvidia-mem 5") }
            }
            let users = ClaimProbe.deviceUsers(host.root, memory).value
            #expect(users?.contains { $0.command == "sleep" && $0.nodes.isEmpty } == false)
        }
    }
}
