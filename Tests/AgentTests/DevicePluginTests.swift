import Catalog
import Cluster
import ClusterSupport
import Host
import Kubernetes
import NodeModel
import Reporting
import SimulatedCluster
import Support
import Synchronization
import TestSupport
import Testing

@testable import Agent

/// What the agent makes of the options of the device plugin, and of what the Node says about it.
@Suite struct DevicePluginTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var command: DevicePluginCommand
        var strategy: MIGStrategy?
        var source: DevicePluginProcess.Source
        var isSharing: Bool? = false
    }

    private static let mixedFile = """
        version: v1
        flags:
          migStrategy: "mixed"
          failOnInitError: true
        sharing:
          timeSlicing:
            resources:
            - name: nvidia.com/gpu
              replicas: 4
        """

    private static func command(
        argument: String? = nil,
        variable: Reading<String> = .absent,
        file: String? = nil
    ) -> DevicePluginCommand {
        DevicePluginCommand(
            pid: 7,
            strategyArgument: argument,
            strategyVariable: variable,
            configFile: file == nil ? .absent : .present("/c.yaml"),
            configuration: file.map { .present($0) } ?? .absent
        )
    }

    private static let denied = Reading<String>.unreadable(ReadFailure(.permission, "no"))

    static let cases = [
        Case(testDescription: "nothing", command: command(), strategy: MIGStrategy.none, source: .preset),
        Case(
            testDescription: "an argument wins",
            command: command(argument: "single", variable: .present("none"), file: mixedFile),
            strategy: .single,
            source: .argument,
            isSharing: true
        ),
        Case(
            testDescription: "a variable wins over the file",
            command: command(variable: .present("single"), file: mixedFile),
            strategy: .single,
            source: .environment,
            isSharing: true
        ),
        Case(
            testDescription: "the file",
            command: command(file: mixedFile),
            strategy: .mixed,
            source: .file,
            isSharing: true
        ),
        Case(
            testDescription: "JSON with MPS",
            command: command(
                file: #"{"flags": {"migStrategy": "single"}, "sharing": {"mps": {"resources": [{"replicas": 2}]}}}"#
            ),
            strategy: .single,
            source: .file,
            isSharing: true
        ),
        Case(
            testDescription: "a file without a strategy",
            command: command(file: "version: v1\nsharing:\n  timeSlicing:\n    resources: []\n"),
            strategy: MIGStrategy.none,
            source: .preset
        ),
        Case(
            testDescription: "no YAML",
            command: command(file: "flags: ["),
            strategy: nil,
            source: .file,
            isSharing: nil
        ),
        Case(
            testDescription: "an unknown value",
            command: command(argument: "both"),
            strategy: nil,
            source: .argument
        ),
        Case(
            testDescription: "an environment that cannot be read",
            command: command(variable: denied),
            strategy: nil,
            source: .environment
        ),
        Case(
            testDescription: "a file that cannot be read beside an argument",
            command: DevicePluginCommand(
                pid: 7,
                strategyArgument: "mixed",
                configFile: .present("/c.yaml"),
                configuration: denied
            ),
            strategy: .mixed,
            source: .argument,
            isSharing: nil
        ),
    ]

    @Test(arguments: cases) func takesTheStrategyThatThePluginTakes(_ test: Case) {
        let process = DevicePluginProcess(test.command)
        #expect(process.strategy.value == test.strategy && process.source == test.source)
        #expect(process.isSharing == test.isSharing)
        #expect((process.strategy.failure == nil) == (test.strategy != nil))
    }

    /// The container runtime hands out what the variable lists, and the plugin offers nothing else.
    @Test(
        arguments: [
            (.absent, false), (.present("all"), false), (.present(""), false), (.present("void"), false),
            (.present("0,1"), true), (.present("GPU-8ac1b5d2"), true), (.present("none"), true), (denied, nil),
        ] as [(Reading<String>, Bool?)]
    )
    func aListOfGPUsLimitsThePlugin(_ devices: Reading<String>, _ isLimited: Bool?) {
        let command = DevicePluginCommand(pid: 7, strategyArgument: "none", visibleDevices: devices)
        #expect(DevicePluginProcess(command).isLimited == isLimited)
    }

    private static let gpu4 = "resources: [{name: nvidia.com/gpu, replicas: 4}]"

    static let sharings: [(section: String, sharing: DeviceSharing?)] = [
        ("", .off), ("sharing: {}", .off), ("sharing: {mps: null}", .off),
        ("sharing: {timeSlicing: {\(gpu4)}}", DeviceSharing(strategy: .timeSlicing, replicas: ["nvidia.com/gpu": 4])),
        (
            "sharing: {timeSlicing: {renameByDefault: true, resources: [{name: gpu, replicas: 2}]}}",
            DeviceSharing(strategy: .timeSlicing, replicas: ["nvidia.com/gpu": 2], isRenamed: true)
        ),
        // MPS has the resources as soon as it is there, and the strategy when it shares one.
        (
            "sharing: {timeSlicing: {\(gpu4)}, mps: {resources: [{name: nvidia.com/gpu, replicas: 1}]}}",
            DeviceSharing(strategy: .timeSlicing, replicas: ["nvidia.com/gpu": 1])
        ),
        (
            "sharing: {timeSlicing: {\(gpu4)}, mps: {resources: [{name: nvidia.com/gpu, replicas: 10}]}}",
            DeviceSharing(strategy: .mps, replicas: ["nvidia.com/gpu": 10])
        ),
        ("sharing: {timeSlicing: {resources: [{name: nvidia.com/gpu, replicas: 0}]}}", nil),
        ("sharing: {timeSlicing: {resources: [{name: nvidia.com/gpu}]}}", nil),
        ("sharing: {timeSlicing: {resources: [{replicas: 4}]}}", nil), ("sharing: [", nil),
    ]

    @Test(arguments: sharings) func readsTheSharingAsThePluginDoes(_ section: String, _ sharing: DeviceSharing?) {
        #expect(DevicePluginProcess(Self.command(file: "version: v1\n\(section)\n")).sharing == sharing)
    }

    @Test func aPluginWithoutAFileSharesNothing() {
        #expect(DevicePluginProcess(Self.command()).sharing == .off)
    }

    @Test func aChangeOfTheDevicesWakesALookAndNothingElse() async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            #expect(await link.mirror.ownerLabels().devices == .present(OfferedDevices()))
            let before = await link.mirror.requestCounts
            func see(_ allocatable: [String: String], _ labels: [String: String] = [:]) async -> NodeMirror.Change {
                var node = Node(metadata: ObjectMetadata(name: TestCluster.nodeName, labels: labels))
                node.allocatable = allocatable
                return await link.observe(.modified(node))
            }
            _ = await see(["cpu": "4"])
            #expect(await see(["cpu": "8", "memory": "1Gi"]) == .none)
            #expect(await see(["cpu": "8", "nvidia.com/gpu": "7"]) == .devices)
            #expect(await see(["nvidia.com/gpu": "7"]) == .none)
            #expect(await see(["nvidia.com/gpu": "7"], ["a": "b"]) == .written)
            #expect(await see(["nvidia.com/gpu": "7"], [OfferedDevices.configKey: "a100"]) == .devices)
            let known = OfferedDevices(configLabel: "a100", allocatable: ["nvidia.com/gpu": 7])
            #expect(await link.mirror.knownOwners.devices == .present(known))
            #expect(await link.mirror.requestCounts == before)
            await link.mirror.forget()
            #expect(await link.mirror.knownOwners.devices.value == nil, "an old number is not a number of now")
        }
    }

    /// No event of the watch tells of a change that the answer to a write brought before it.
    @Test(
        arguments: [
            (OfferedDevices.configKey, true), (MIGRequest.layoutKey, true), (OwnerLabel.gpuOperatorDriver, true),
            ("example.com/other", false),
        ]
    )
    func aChangeThatAnAnswerBringsWakesALook(_ label: String, _ wakes: Bool) async throws {
        try await TestCluster.with { cluster in
            let link = TestLink(cluster)
            _ = await link.mirror.ownerLabels()
            try await cluster.changeNode(["metadata": ["labels": [label: "true"]]])
            await link.publisher.want(publication(.ready))
            let changes = Mutex<[Bool]>([])
            let running = Task { await link.publisher.run { changed in changes.withLock { $0.append(changed) } } }
            try await eventually("an attempt") { changes.withLock { !$0.isEmpty } }
            running.cancel()
            await running.value
            #expect(changes.withLock { $0.contains(true) } == wakes)
        }
    }

    @Test func aLookJoinsTheProcessesAndTheNode() async throws {
        let host = try TemporaryDirectory()
        let prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        var inspector = Inspector(prober: prober, setup: Setup(catalog: Catalog(), policy: Policy()))
        inspector.owners = Known(devices: .present(OfferedDevices(allocatable: ["nvidia.com/gpu": 2])))
        let plugin = try #require(await inspector.look().facts.devicePlugin)
        #expect(plugin.allocatable == .present(["nvidia.com/gpu": 2]) && plugin.configLabel == .absent)
        #expect(plugin.processes == .skipped("the node has no GPU"))
    }

    private struct Known: OwnerLabelSource {
        let devices: Reading<OfferedDevices>

        func ownerLabels() async -> OwnerLabels { OwnerLabels(.present([:]), devices: devices) }
    }
}
