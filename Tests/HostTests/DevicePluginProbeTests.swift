import HostSupport
import NodeModel
import TestSupport
import Testing

@testable import Host

/// Finds the device plugin among the processes of a host, and the options that it was started with.
@Suite struct DevicePluginProbeTests {
    private let tree: TemporaryDirectory
    private let root: HostRoot

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
        try add(1, ["/sbin/init"], name: "systemd")
    }

    private func add(
        _ process: Int,
        _ arguments: [String],
        name: String = "nvidia-device-p",
        environment: [String] = []
    ) throws {
        try tree.write("proc/\(process)/comm", "\(name)\n")
        try tree.write("proc/\(process)/cmdline", arguments.map { "\($0)\0" }.joined())
        try tree.write("proc/\(process)/environ", environment.map { "\($0)\0" }.joined())
    }

    private var commands: Reading<[DevicePluginCommand]> { DevicePluginProbe.commands(root) }

    private static let program = "/usr/bin/nvidia-device-plugin"

    @Test func aHostWithoutAPluginHasNone() throws {
        try add(20, ["nvidia-device-plugin-helper"])
        try add(21, ["sh", "-c", "nvidia-device-plugin"], name: "sh")
        // A program can give itself any name.
        try add(22, ["/tmp/miner"])
        // A kernel thread has no arguments.
        try add(23, [])
        #expect(commands == .absent)
    }

    @Test func readsArgumentsAndVariables() throws {
        try add(
            30,
            [Self.program, "--mig-strategy=single"],
            environment: [
                "SECRET=abc", "MIG_STRATEGY=mixed", "XMIG_STRATEGY=no", "CONFIG_FILE=", "NVIDIA_VISIBLE_DEVICES=0,1",
            ]
        )
        try add(31, ["nvidia-device-plugin"])
        let expected = [
            DevicePluginCommand(
                pid: 30,
                strategyArgument: "single",
                strategyVariable: .present("mixed"),
                visibleDevices: .present("0,1")
            ),
            DevicePluginCommand(pid: 31),
        ]
        #expect(commands == .present(expected))
    }

    @Test(arguments: [
        (["--mig-strategy=mixed"], "mixed"), (["-mig-strategy", "mixed"], "mixed"), (["--mig-strategy", ""], ""),
        (["--mig-strategy=none", "--mig-strategy=single"], "single"), (["--mig-strategy"], nil),
        (["--mig-strategy-x=mixed", "mig-strategy=mixed"], nil), (["--config-file", "--mig-strategy=mixed"], "mixed"),
        ([], nil),
    ])
    func theLastArgumentCounts(_ arguments: [String], _ strategy: String?) {
        #expect(DevicePluginProbe.option("mig-strategy", in: [Self.program] + arguments) == strategy)
    }

    /// The config manager of the plugin changes a link in its container.
    @Test func followsTheConfigurationFileInTheContainer() throws {
        try add(40, [Self.program, "--config-file=/config/config.yaml"], environment: ["CONFIG_FILE=/other"])
        try tree.write("proc/40/root/available-configs/a100", "version: v1\n")
        try tree.link("proc/40/root/config/config.yaml", to: "/available-configs/a100")
        let command = try #require(commands.value?.first)
        #expect(command.configFile == .present("/config/config.yaml"))
        #expect(command.configuration == .present("version: v1\n"))
    }

    @Test func theVariableNamesTheFileWithoutAnArgument() throws {
        try add(41, [Self.program], environment: ["CONFIG_FILE=/c.yaml"])
        try tree.write("proc/41/root/c.yaml", "a")
        #expect(commands.value?.first?.configuration == .present("a"))
    }

    /// What the agent cannot read is not the default of the plugin.
    @Test(arguments: ["/missing.yaml", "relative.yaml", "/pipe/", "/large.yaml", "/../../../etc/hostname"])
    func aFileThatCannotBeReadIsUnreadable(_ file: String) throws {
        try add(42, [Self.program, "--config-file=\(file)"])
        try tree.makeDirectory("proc/42/root/pipe")
        try tree.write("proc/42/root/large.yaml", String(repeating: "#", count: 1 << 20 + 1))
        try tree.write("etc/hostname", "outside the container")
        #expect(commands.value?.first?.configuration.failure != nil)
    }

    @Test func aContainerThatIsGoneIsUnreadable() throws {
        try add(43, [Self.program, "--config-file=/c.yaml"])
        #expect(commands.value?.first?.configuration.failure != nil)
    }

    @Test func onlyAFewPluginsAreRead() throws {
        for process in 50..<70 { try add(process, [Self.program]) }
        #expect(commands.value?.map(\.pid) == Array(50..<58))
    }

    @Test func aCopiedTreeHasNoProcesses() async throws {
        let empty = try TemporaryDirectory()
        let found = await DevicePluginProbe(root: try HostRoot(empty.path)).commands()
        #expect(found == .skipped("/proc has no processes: this is not a running host"))
    }
}
