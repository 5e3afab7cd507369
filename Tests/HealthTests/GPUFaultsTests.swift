import Catalog
import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import Support
import TestSupport
import Testing

/// What errors in the kernel log mean for the node, and when they are over.
@Suite struct GPUFaultsTests {
    private static let now = 1_800_000_000.0
    private static let reset = "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)"
    private static let reboot = "GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)"
    private static let none = "GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)"

    /// The history after these messages in the boot `b`, and then the facts of a node in the boot `current`.
    private struct Node {
        var history = GPUHistory()
        var facts: NodeFacts
        var boot = "b"
        private var next: UInt64 = 100

        /// A node with two GPUs that work.
        init() {
            facts = NodeFacts.h100Ready.with { facts in
                facts.pci = .present([.h100.at(bus: 0), .h100.at(bus: 1)])
                facts.vendor = .answering("595.71.05", gpus: [.h100.at(index: 0), .h100.at(index: 1)])
            }
        }

        mutating func says(_ message: DriverMessage, at time: Double = GPUFaultsTests.now - 60) {
            history.add(.init(sequence: next, microseconds: 0, message: message), boot: "b", at: Timestamp(time))
            next += 1
        }

        mutating func says(
            _ code: Int,
            _ text: String = "text",
            bus: UInt8 = 0,
            at time: Double = GPUFaultsTests.now - 60
        ) {
            says(.xid(code, PCIFunction.h100.at(bus: bus).address, text: text), at: time)
        }

        var checks: Checks {
            get throws {
                var facts = facts
                facts.gpuEvents = .present(
                    GPUEventFacts(history: history, boot: boot, at: Timestamp(GPUFaultsTests.now))
                )
                let catalog = try repositoryCatalog()
                return Checks(facts: facts, plan: try .made(for: facts), xids: catalog.xids, sxids: catalog.sxids)
            }
        }

        var report: NodeReport { get throws { try checks.report() } }

        /// The codes of the findings about errors.
        var codes: [String] {
            get throws {
                let errors = ["xid-", "nvswitch-", "kernel-log-"]
                return try report.findings.map(\.code.rawValue).filter { code in errors.contains { code.hasPrefix($0) }
                }
            }
        }

        var ends: [GPUEvent.End.Way] { get throws { try checks.gpuFaults.ends.map(\.end.way) } }
    }

    private func node(_ change: (inout Node) -> Void) -> Node {
        var node = Node()
        change(&node)
        return node
    }

    @Test func aNodeWithoutErrorsHasNoFinding() throws {
        #expect(try Node().codes.isEmpty)
        #expect(try Node().report.verdict == .ready)
    }

    static let classes: [(code: Int, finding: String, state: Finding.State, verdict: Verdict, isHealthy: Bool)] = [
        (31, "xid-application", .notice, .ready, true),
        (63, "xid-watch", .warning, .degraded, true), (999, "xid-watch", .warning, .degraded, true),
        (119, "xid-gpu-reset", .warning, .degraded, false), (79, "xid-reboot", .warning, .degraded, false),
        (54, "xid-hardware", .warning, .degraded, false),
    ]

    @Test(arguments: classes)
    func theClassDecidesTheFinding(
        code: Int,
        finding: String,
        state: Finding.State,
        verdict: Verdict,
        isHealthy: Bool
    ) throws {
        let node = node { $0.says(code, "pid=7, name=x") }
        let report = try node.report
        #expect(try node.codes == [finding])
        let found = try #require(report.findings.first { $0.code.rawValue == finding })
        #expect(found.state == state && report.verdict == verdict)
        // The other GPU works, so the node does.
        #expect(report.readiness == .usable)
        #expect(found.observed == "0001:00:00.0: Xid \(code) at 2027-01-15T07:59:00Z (pid=7, name=x)")
        #expect(!found.remedy.isEmpty)
        #expect((GPUHealth(report, facts: node.facts) == .healthy) == isHealthy)
    }

    @Test func anIgnoredErrorIsOnlyInTheHistory() throws {
        let node = node { $0.says(106) }
        #expect(try node.codes.isEmpty && node.ends.isEmpty)
    }

    @Test(arguments: [119, 79, 54])
    func errorsOfAllGPUsLeaveNoGPU(_ code: Int) throws {
        let report = try node { node in
            node.says(code)
            node.says(79, bus: 1)
        }.report
        #expect(report.verdict == .notReady && report.readiness == .notUsable)
    }

    @Test func errorsOfProgramsNeverTakeTheOnlyGPU() throws {
        var node = Node()
        node.facts = .h100Ready
        for code in [13, 31, 43, 45, 94] { node.says(.xid(code, PCIFunction.h100.address, text: "x")) }
        #expect(try node.report.verdict == .ready)
        node.says(.xid(63, PCIFunction.h100.address, text: "x"))
        #expect(try node.report.verdict == .degraded && node.report.readiness == .usable)
    }

    // MARK: The recovery action of the driver

    @Test func theRecoveryActionWinsOverTheTable() throws {
        let harder = node { node in
            node.says(48)
            node.says(154, Self.reboot)
        }
        #expect(try harder.codes == ["xid-reboot"])
        let softer = node { node in
            node.says(79)
            node.says(154, Self.reset)
        }
        #expect(try softer.codes == ["xid-gpu-reset"])
        // Alone, it is an error, too; and an action that is not known deserves attention.
        #expect(try node { $0.says(154, Self.reset) }.codes == ["xid-gpu-reset"])
        #expect(
            try node { $0.says(154, "GPU recovery action changed from 0x0 (None) to 0x9 (Dance)") }.codes == [
                "xid-watch"
            ]
        )
        // It says nothing about programs, about other GPUs, and about what comes later.
        let others = node { node in
            node.says(31)
            node.says(79, bus: 1)
            node.says(154, Self.reset)
            node.says(54)
        }
        #expect(try others.codes == ["xid-hardware", "xid-reboot", "xid-gpu-reset", "xid-application"])
    }

    /// The answer of NVML about the first GPU, with this recovery action.
    private static func asking(_ action: String) -> Reading<VendorFacts> {
        var gpu = GPUFacts.h100.at(index: 0)
        gpu.traits[.recoveryAction] = .present(.text(action))
        return .answering("595.71.05", gpus: [gpu, .h100.at(index: 1)])
    }

    /// Without an Xid 154 in the log, the recovery action of NVML counts.
    @Test(
        arguments: [
            (79, "gpu-reset", "xid-gpu-reset"), (48, "node-reboot", "xid-reboot"),
            (79, "drain-and-reset", "xid-gpu-reset"), (79, "none", "xid-reboot"),
            (79, "recover-imex-domain", "xid-reboot"), (31, "gpu-reset", "xid-application"),
        ]
    )
    func theActionOfNVMLWinsOverTheTable(_ code: Int, _ action: String, _ finding: String) throws {
        var node = node { $0.says(code) }
        node.facts.vendor = Self.asking(action)
        let found = try node.codes
        #expect(found.contains(finding), "\(found)")
        // The log is newer.
        var logged = self.node { node in
            node.says(code)
            node.says(154, Self.reboot)
        }
        logged.facts.vendor = Self.asking("gpu-reset")
        let codes = try logged.codes
        #expect(codes.contains("xid-reboot"))
    }

    /// A reset with nvidia-smi leaves no line in the log, and NVML withdraws its action.
    @Test func anActionThatNVMLNoLongerReportsIsOver() throws {
        var node = node { $0.says(119) }
        node.facts.vendor = Self.asking("none")
        #expect(try node.codes == ["xid-gpu-reset"])
        let address = PCIFunction.h100.at(bus: 0).address
        node.history.needsRecovery([address], boot: "b", at: Timestamp(Self.now - 30))
        #expect(try node.codes.isEmpty)
        #expect(try node.ends == [.driver])
        node.facts.vendor = Self.asking("gpu-reset")
        #expect(try node.codes == ["xid-gpu-reset"])
        // What NVML reported before the error says nothing about it.
        var later = self.node { $0.says(119) }
        later.facts.vendor = Self.asking("none")
        later.history.needsRecovery([address], boot: "b", at: Timestamp(Self.now - 90))
        #expect(try later.codes == ["xid-gpu-reset"])
    }

    @Test func theDriverWithdrawsItsAction() throws {
        var node = node { node in
            node.says(119)
            node.says(154, Self.reset)
            node.says(154, Self.none)
        }
        #expect(try node.codes.isEmpty)
        #expect(try node.ends == [.driver])
        node.facts.vendor = .answering("595.71.05", gpus: [.h100.at(index: 1), .lost(index: 0)])
        #expect(try node.codes == ["xid-gpu-reset"])
        #expect(
            try node.report.finding(.xidGPUReset)?.observed.hasSuffix(
                ", and after its restart, NVML does not list the GPU"
            ) == true
        )
    }

    // MARK: Recovery

    @Test func aResetIsOverWhenTheGPUWorks() throws {
        var node = node { $0.says(119) }
        node.says(.deviceFound(PCIFunction.h100.at(bus: 1).address))
        #expect(try node.codes == ["xid-gpu-reset"], "another GPU was reset")
        node.says(.deviceFound(PCIFunction.h100.at(bus: 0).address))
        #expect(try node.ends == [.reset] && node.codes.isEmpty)
        let loaded = self.node { node in
            node.says(119)
            node.says(.driverLoaded)
        }
        #expect(try loaded.ends == [.reset])
        let before = self.node { node in
            node.says(.driverLoaded)
            node.says(119)
        }
        #expect(try before.ends.isEmpty)
        // A reset is not a reboot.
        let rebootNeeded = self.node { node in
            node.says(79)
            node.says(.driverLoaded)
        }
        #expect(try rebootNeeded.codes == ["xid-reboot"] && rebootNeeded.ends.isEmpty)
    }

    @Test(arguments: [119, 79])
    func aRebootEndsAnErrorWhenTheGPUWorks(_ code: Int) throws {
        var node = node { $0.says(code) }
        node.boot = "c"
        #expect(try node.ends == [.reboot] && node.codes.isEmpty)
        let good = node.facts
        node.facts.vendor = .skipped("not asked")
        #expect(try node.ends.isEmpty && node.codes.count == 1)
        node.facts = good
        node.facts.pci = .present([.h100.at(bus: 1)])
        node.facts.vendor = .answering("595.71.05", gpus: [.h100.at(index: 1)])
        // Without a UUID, the GPU can have another address. So all GPUs that are there must work, and they do.
        #expect(try node.ends == [.reboot])
        node.history.identify([PCIFunction.h100.at(bus: 0).address: "GPU-gone"], boot: "b")
        #expect(try node.ends.isEmpty)
        let observed = try #require(try node.report.findings.first { $0.code.rawValue.hasPrefix("xid-") }?.observed)
        #expect(observed.hasSuffix("the GPU is not on the PCI bus"))
    }

    @Test func aGPUIsFoundAgainAtAnotherAddress() throws {
        var node = node { $0.says(79) }
        let uuid = try #require(GPUFacts.h100.at(index: 1).uuid.value)
        node.history.identify([PCIFunction.h100.at(bus: 0).address: uuid], boot: "b")
        node.boot = "c"
        #expect(try node.ends == [.reboot])
    }

    @Test func hardwareWaitsForAPersonOrForAnotherGPU() throws {
        var node = node { $0.says(54) }
        node.says(.driverLoaded)
        node.boot = "c"
        #expect(try node.codes == ["xid-hardware"] && node.ends.isEmpty)
        node.history.identify([PCIFunction.h100.at(bus: 0).address: "GPU-old"], boot: "b")
        #expect(try node.ends == [.replaced] && node.codes.isEmpty)
        var cleared = self.node { $0.says(54) }
        cleared.history.end(
            cleared.history.events[0],
            GPUEvent.End(.person, at: Timestamp(Self.now), reason: "cable", user: "root")
        )
        #expect(try cleared.codes.isEmpty)
    }

    @Test(arguments: [31, 63, 106])
    func whatNeedsNoActionIsForgottenAfterADayOrAReboot(_ code: Int) throws {
        #expect(try node { $0.says(code, at: Self.now - 86_399) }.ends.isEmpty)
        let old = node { $0.says(code, at: Self.now - 86_400) }
        #expect(try old.ends == [.age] && old.codes.isEmpty)
        var rebooted = node { $0.says(code) }
        rebooted.boot = "c"
        #expect(try rebooted.ends == [.reboot] && rebooted.codes.isEmpty)
    }

    // MARK: NVSwitch, the log, ignored GPUs

    @Test func aSwitchReportsFatalErrors() throws {
        let address = PCIAddress(domain: 0, bus: 0xc5, device: 0, function: 0)
        var fatal = node { $0.says(.sxid(20034, address, isFatal: true, text: "Fatal, Link 30")) }
        #expect(try fatal.codes == ["nvswitch-error"] && fatal.report.verdict == .degraded)
        #expect(try fatal.report.readiness == .usable)
        fatal.boot = "c"
        #expect(try fatal.ends == [.reboot])
    }

    /// What the catalog and the line say about an SXid together.
    @Test(
        arguments: [
            (11012, false, nil), (11012, nil, nil), (20034, nil, .reboot), (20034, false, .time),
            // The catalog does not know it.
            (28006, false, .time), (28006, nil, .time), (28006, true, .reboot),
            // The line says more than the catalog.
            (11012, true, .reboot),
        ] as [(Int, Bool?, GPUFaults.Wait?)]
    )
    func theCatalogKnowsAnErrorOfASwitch(_ code: Int, _ isFatal: Bool?, _ wait: GPUFaults.Wait?) throws {
        let address = PCIAddress(domain: 0, bus: 0xc5, device: 0, function: 0)
        let node = node { $0.says(.sxid(code, address, isFatal: isFatal, text: "x")) }
        #expect(try node.codes == (wait == nil ? [] : ["nvswitch-error"]))
        #expect(try node.checks.gpuFaults.faults.map(\.wait) == [wait].compactMap(\.self))
    }

    @Test func aLogWithAGapIsANotice() throws {
        var facts = NodeFacts.h100Ready
        let gap = KernelLogPosition.Gap(at: Timestamp(Self.now - 60), records: 7)
        let old = KernelLogPosition.Gap(at: Timestamp(Self.now - 100_000), records: 9)
        facts.gpuEvents = .present(
            GPUEventFacts(history: GPUHistory(), gaps: [old, gap], boot: "b", at: Timestamp(Self.now))
        )
        let report = try NodeReport.made(for: facts)
        #expect(report.finding(.kernelLogIncomplete)?.state == .notice && report.verdict == .ready)
        #expect(report.finding(.kernelLogIncomplete)?.observed.contains("up to 7 records") == true)
        facts.gpuEvents = .present(
            GPUEventFacts(
                history: GPUHistory(),
                boot: "b",
                at: Timestamp(Self.now),
                logFailure: "cannot open /dev/kmsg"
            )
        )
        #expect(try NodeReport.made(for: facts).finding(.kernelLogIncomplete)?.observed == "cannot open /dev/kmsg")
        facts.gpuEvents = facts.gpuEvents.map { events in
            var events = events
            events.usesNVML = true
            return events
        }
        let instead = try NodeReport.made(for: facts).finding(.kernelLogIncomplete)
        #expect(instead?.observed.hasPrefix("cannot open /dev/kmsg; the agent uses the events of NVML instead") == true)
    }

    @Test func aGPUThatTheAgentDoesNotManageDoesNotCount() throws {
        let node = node { $0.says(79) }
        let facts = try node.checks.facts
        let left = facts.without([PCIFunction.h100.at(bus: 0).address])
        #expect(left.gpuEvents.value?.history.events.isEmpty == true)
        #expect(facts.without([PCIFunction.h100.at(bus: 1).address]).gpuEvents.value?.history.events.count == 1)
    }

    /// An error of the past must not make a new driver look like a failed one.
    @Test func theDocumentListsOpenAndFinishedErrors() throws {
        var node = node { node in
            node.says(119, "Timeout after 45s of waiting for RPC response from GPU0 GSP!")
            node.says(54, bus: 1)
            node.says(31)
        }
        node.history.end(
            node.history.events[1],
            GPUEvent.End(.person, at: Timestamp(Self.now), reason: "cable replaced", user: "ada")
        )
        let checks = try node.checks
        let events = try #require(checks.facts.gpuEvents.value)
        let text = HealthDocument(checks.gpuFaults, events).text(Style(color: false))
        try expectGolden(text, "Fixtures/health.txt")
        let none = HealthDocument(
            try Node().checks.gpuFaults,
            GPUEventFacts(history: GPUHistory(), boot: "b", at: Timestamp(0))
        )
        #expect(none.text(Style(color: false)) == "√ No error of a GPU is open.\n")
    }
}
