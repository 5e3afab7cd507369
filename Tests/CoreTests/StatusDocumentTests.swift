import CoreSupport
import Documents
import FoundationEssentials
import Health
import NodeModel
import Planning
import Reporting
import Support
import TestSupport
import Testing

@Suite struct StatusDocumentTests {
    private func status(
        _ facts: NodeFacts,
        journal: Journal? = nil,
        published: PublishedState? = nil
    ) throws -> StatusDocument {
        let plan = try Plan.made(for: facts, journal: journal)
        let report = Checks(facts: facts, plan: plan).report()
        return StatusDocument(facts: facts, plan: plan, report: report, journal: journal, published: published)
    }

    private func json(_ status: StatusDocument) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(status), as: UTF8.self) + "\n"
    }

    /// Some products have the name of their vendor in front.
    @Test(
        arguments: [
            ("Google", "Google Compute Engine", "Google Compute Engine"),
            ("Amazon EC2", "g5.xlarge", "Amazon EC2 g5.xlarge"), ("Dell Inc.", nil, "Dell Inc."), (nil, "R750", "R750"),
            ("HPE", "HPE", "HPE"), ("HP", "HPE ProLiant", "HP HPE ProLiant"),
        ] as [(String?, String?, String)]
    )
    func aMachineHasTheNameOfItsVendorOnce(_ vendor: String?, _ product: String?, _ machine: String) throws {
        let dmi = DMIFacts(systemVendor: vendor, productName: product, chassisAssetTag: nil)
        #expect(try status(NodeFacts.h100.with { $0.host.dmi = .present(dmi) }).host.machine == machine)
    }

    static let nodes: [String: NodeFacts] = [
        "h100": .h100Ready, "no-gpu": .noGPU, "unknown-gpu": .unknownGPU, "h100-without-driver": .h100,
    ]

    @Test(arguments: nodes.keys.sorted())
    func isThatOfItsGolden(_ name: String) throws {
        let facts = try #require(Self.nodes[name])
        try expectGolden(try json(status(facts)), "Goldens/status-\(name).json")
    }

    @Test func aNodeWithAHistoryIsThatOfItsGolden() throws {
        var journal = Journal(record: NodeFacts.rtxProReady.driver.record.value)
        journal.begin(.load, at: 1000)
        journal.end(
            .load,
            at: 1002.5,
            failure: Finding(.moduleLoadFailed, observed: "exit 1", expected: "exit 0", remedy: "see dmesg")
        )
        journal.begin(.finish, at: 1003)
        journal.end(.finish, at: 1003.25)
        let published = PublishedState(
            node: "aks-rtxpro-00000000",
            at: Timestamp(1004),
            labels: ["gpu-agent.dev/verdict": "ready"],
            conditions: [
                Condition(type: "GPUReady", status: .yes, reason: "CUDAWorks", message: "ready: nothing to do"),
                Condition(type: "GPUHealthy", status: .unknown, reason: "GPULost", message: "look"),
            ],
            conditionsFailure: "no right to nodes/status",
            areConditionsRefused: true,
            tainted: false,
            failure: "connection refused"
        )
        let status = try status(.rtxProReady, journal: journal, published: published)
        let text = StatusText(status: status, style: Style(color: false), now: 1064).text
        let section = text.split(separator: "\n").drop { $0 != "Kubernetes" }.prefix(5)
        #expect(
            section.dropFirst() == [
                "  node aks-rtxpro-00000000: 1 labels, no taint, published 60 s ago",
                "  conditions: GPUReady True, GPUHealthy Unknown (GPULost)",
                "  ‼ connection refused",
                "  ‼ conditions: no right to nodes/status",
            ]
        )
        try expectGolden(try json(status), "Goldens/status-rtx-pro-6000.json")
    }

    @Test func saysHowOldTheResultsOfTheDaemonAre() throws {
        var status = try status(.h100Ready)
        status.inspectedByDaemonAt = Timestamp(958)
        let lines = StatusText(status: status, style: Style(color: false), now: 1000).text.split(separator: "\n")
        let line = "  Inspected by the daemon 42 s ago. 'gpu-agent status --fresh' inspects the node now."
        #expect(lines.prefix(3) == ["READY", "→ CUDA works on this node. Nothing to do.", line[...]])
        #expect(try json(status).contains(#""inspectedByDaemonAt" : "1970-01-01T00:15:58.000Z""#))
    }

    @Test func showsWhatTheDaemonSawBeforeNVMLStoppedToAnswer() throws {
        let slow = ReadFailure(.slow, "NVML: nvmlInit_v2 did not return within 1.2 seconds")
        let facts = NodeFacts.h100Ready.with {
            $0.vendor = .present(VendorFacts(nvml: .unreadable(slow), cuda: .skipped("NVML does not answer")))
        }
        let plan = try Plan.made(for: facts)
        let status = StatusDocument(
            facts: facts,
            plan: plan,
            report: Checks(facts: facts, plan: plan).report(),
            journal: nil,
            published: nil,
            lastResults: LastResults(at: Timestamp(400), try .made(for: .h100Ready), .h100Ready)
        )
        #expect(status.verdict == .unknown && status.reason == .nvmlHang)
        #expect(status.gpus.first?.uuid != nil)
        let lines = StatusText(status: status, style: Style(color: false), now: 1000).text.split(separator: "\n")
        #expect(lines.first?.hasPrefix("UNKNOWN  nvml-hang  NVML: nvmlInit_v2 did not return within 1.2 s") == true)
        #expect(lines.dropFirst().first == "  The last inspection by the daemon, 10 min 0 s ago: ready.")
        #expect(lines.dropFirst(2).first?.hasPrefix("→ Run 'gpu-agent status --fresh'") == true)
        let document = try json(status)
        #expect(document.contains(#""lastResults" : {"#) && !document.contains(#""vendor""#))
    }

    @Test func showsTheGPUsOfNVMLWhenOnlyCUDADoesNotAnswer() throws {
        let facts = NodeFacts.h100Ready.with { facts in
            guard var vendor = facts.vendor.value else { return }
            vendor.cuda = .unreadable(ReadFailure(.slow, "CUDA: cuInit did not return within 1.4 seconds"))
            facts.vendor = .present(vendor)
        }
        let before = NodeFacts.h100Ready.withNVML { $0.gpus[0].uuid = .present("GPU-before") }
        let plan = try Plan.made(for: facts)
        let status = StatusDocument(
            facts: facts,
            plan: plan,
            report: Checks(facts: facts, plan: plan).report(),
            journal: nil,
            published: nil,
            lastResults: LastResults(at: Timestamp(400), try .made(for: .h100Ready), before)
        )
        #expect(status.verdict == .unknown && status.reason == .cudaHang)
        #expect(status.gpus.first?.uuid == GPUFacts.h100.uuid.value)
        let lines = StatusText(status: status, style: Style(color: false), now: 1000).text.split(separator: "\n")
        #expect(lines.dropFirst().first == "  The last inspection by the daemon, 10 min 0 s ago: ready.")
    }

    @Test func saysWhatTheAgentDoesAndWaitsFor() throws {
        func text(_ activity: Activity) throws -> [String] {
            var status = try status(.h100)
            status.activity = activity
            let lines = StatusText(status: status, style: Style(color: false), now: 1000).text.split(separator: "\n")
            let first = try #require(lines.firstIndex(of: "Now"))
            return lines[(first + 1)...].prefix { $0 != "Hardware" }.map(String.init)
        }
        var download = Activity(kind: .step, subject: "download driver.run", since: Timestamp(877))
        download.receivedBytes = 120 << 20
        download.totalBytes = 400 << 20
        #expect(try text(download) == ["  download driver.run, for 2 min 3 s, 120 of 400 MiB"])
        var removal = Activity(kind: .step, subject: "remove the driver", since: Timestamp(940))
        removal.lastLine = "Waiting for cache lock: held by process 17 (unattended-upgr)"
        removal.lastLineAt = Timestamp(998)
        #expect(
            try text(removal) == [
                "  remove the driver, for 60 s",
                "    its last output, 2.0 s ago: Waiting for cache lock: held by process 17 (unattended-upgr)",
            ]
        )
        #expect(
            try text(Activity(kind: .job, subject: "install-595.71.05", since: Timestamp(990)))
                == ["  waiting for job install-595.71.05, which an earlier agent started, for 10 s"]
        )
        #expect(
            try text(Activity(kind: .retry, subject: "download-failed", since: Timestamp(980), until: Timestamp(1010)))
                == ["  The last install failed 20 s ago with download-failed. The next attempt is in 10 s."]
        )
        #expect(
            try text(Activity(kind: .node, subject: "connection refused", since: Timestamp(880)))
                == ["  waiting for the API server, for 2 min 0 s: connection refused"]
        )
    }

    /// The members of an object, or of each element of an array.
    private func member(_ path: String, of value: JSONValue) -> [JSONValue] {
        path.split(separator: ".").reduce([value]) { values, name in
            values.compactMap { $0[String(name)] }.flatMap { $0.array ?? [$0] }
        }
    }

    @Test(arguments: [
        "verdict", "nextAction", "decision.action", "decision.driver.kind", "decision.driver.version",
        "decision.driver.kernelModuleType", "gpus.pciAddress", "gpus.pciId", "gpus.subsystemId", "gpus.uuid",
        "gpus.migMode",
        "gpus.migDevices.uuid", "gpus.migDevices.profile", "gpus.migDevices.memoryMiB", "findings.code",
        "findings.state", "findings.observed", "findings.expected", "findings.remedy",
    ])
    func aReadyNodeHasTheFieldThatOthersReadByName(_ path: String) throws {
        let values = member(path, of: try JSONValue(encoding: status(.rtxProReady)))
        #expect(!values.isEmpty && !values.contains(.null))
    }

    @Test func theBusAndNVMLAreJoinedByTheAddress() throws {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.pci = .present([.h100.at(bus: 1), .h100.at(bus: 2), .h100.at(bus: 3)])
            facts.vendor = .answering(
                "595.71.05",
                gpus: [.h100.at(index: 3), .h100.at(index: 1), .lost(index: 2)]
            )
        }
        let gpus = try status(facts).gpus
        #expect(gpus.map(\.pciAddress.bus) == [1, 2, 3])
        #expect(gpus.map { $0.uuid?.last } == ["1", nil, "3"])
        #expect(gpus.map(\.migMode) == ["disabled", nil, "disabled"])
    }

    @Test func saysWhichGPUsTheAgentDoesNotManage() throws {
        let facts = NodeFacts.h100Ready.with { facts in
            var reserved = PCIFunction.h100.at(bus: 9)
            reserved.kernelDriver = .present("vfio-pci")
            facts.pci = .present([.h100, reserved])
        }
        let status = try status(facts)
        #expect(status.gpus.map(\.unmanaged) == [nil, "bound to vfio-pci"])
        let text = StatusText(status: status, style: Style(color: false), now: 0).text
        #expect(text.contains("(not managed: bound to vfio-pci)"))
    }

    @Test func showsNoGPUThatIsNone() throws {
        let facts = NodeFacts.h100Ready.with { facts in
            var bridge = PCIFunction.h100.at(bus: 9)
            bridge.classCode = 0x0680
            facts.pci = .present([.h100, bridge])
        }
        #expect(try status(facts).gpus.count == 1)
    }
}
