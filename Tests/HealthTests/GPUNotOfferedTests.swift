import CoreSupport
import NodeModel
import Planning
import Reporting
import TestSupport
import Testing

@testable import Health

/// The wait for the device plugin or for the DRA driver, as `readiness.waitFor` asks for it.
@Suite struct GPUNotOfferedTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var wait: OfferWait
        /// The MIG devices of each GPU; nil for a GPU without MIG mode.
        var gpus: [[String]?] = [nil, nil]
        var strategy = MIGStrategy.single
        var isSharing: Bool?
        /// Whether the plugin gets only some of the GPUs.
        var isLimited = false
        var state: Finding.State
        /// A part of what the finding says.
        var says = ""
    }

    private static func plugin(_ counts: [String: Int]) -> OfferWait {
        OfferWait(allocatable: .present(Dictionary(uniqueKeysWithValues: counts.map { ("nvidia.com/\($0)", $1) })))
    }

    private static func slices(_ gpus: Int, _ mig: Int = 0, missing: Int = 0) -> OfferWait {
        OfferWait(slices: .present(OfferedSlices(gpus: gpus, migDevices: mig, missingSlices: missing)))
    }

    private static let denied = ReadFailure(.permission, "cannot list resource resourceslices")

    static let cases = [
        Case(testDescription: "no plugin", wait: plugin([:]), state: .failed, says: "offers no device"),
        Case(testDescription: "zero", wait: plugin(["gpu": 0]), state: .failed, says: "offers no device"),
        Case(testDescription: "one of two", wait: plugin(["gpu": 1]), state: .failed, says: "nvidia.com/gpu: 1"),
        Case(
            testDescription: "one of two, which the plugin gets",
            wait: plugin(["gpu": 1]),
            isSharing: false,
            isLimited: true,
            state: .pass
        ),
        Case(testDescription: "all", wait: plugin(["gpu": 2]), state: .pass),
        Case(testDescription: "time-slicing", wait: plugin(["gpu": 8]), state: .pass),
        Case(testDescription: "time-slicing under another name", wait: plugin(["gpu.shared": 8]), state: .pass),
        Case(
            testDescription: "single with MIG devices",
            wait: plugin(["gpu": 3]),
            gpus: [["1g.5gb", "1g.5gb"], ["1g.5gb"]],
            isSharing: false,
            state: .pass
        ),
        Case(
            testDescription: "single with the GPUs in place of their MIG devices",
            wait: plugin(["gpu": 2]),
            gpus: [["1g.5gb", "1g.5gb"], ["1g.5gb"]],
            isSharing: false,
            state: .failed,
            says: "nvidia.com/gpu: 2"
        ),
        Case(
            testDescription: "mixed without one profile",
            wait: plugin(["gpu": 1]),
            gpus: [nil, ["1g.5gb"]],
            strategy: .mixed,
            state: .failed
        ),
        Case(
            testDescription: "mixed",
            wait: plugin(["gpu": 1, "mig-1g.5gb": 1]),
            gpus: [nil, ["1g.5gb"]],
            strategy: .mixed,
            state: .pass
        ),
        Case(
            testDescription: "the Node is not known",
            wait: OfferWait(allocatable: .skipped("the Node must be read again")),
            state: .unknown,
            says: "cannot read status.allocatable: the Node must be read again"
        ),
        Case(
            testDescription: "no slice",
            wait: OfferWait(slices: .absent),
            state: .failed,
            says: "no ResourceSlice of gpu.nvidia.com"
        ),
        Case(testDescription: "one GPU of two", wait: slices(1), state: .failed, says: "have 1 GPU."),
        Case(
            testDescription: "an incomplete pool",
            wait: slices(2, missing: 1),
            state: .failed,
            says: "without 1 slice"
        ),
        Case(testDescription: "both GPUs", wait: slices(2), state: .pass),
        Case(testDescription: "both GPUs and MIG devices to make", wait: slices(2, 14), state: .pass),
        Case(
            testDescription: "MIG devices",
            wait: slices(1, 2),
            gpus: [nil, ["1g.5gb", "1g.5gb"]],
            strategy: .mixed,
            state: .pass
        ),
        Case(
            testDescription: "a MIG device is missing",
            wait: slices(2, 1),
            gpus: [nil, ["1g.5gb", "1g.5gb"]],
            strategy: .mixed,
            state: .failed,
            says: "2 GPUs and 1 MIG device"
        ),
        Case(
            testDescription: "no right to read the slices",
            wait: OfferWait(slices: .unreadable(denied)),
            state: .unknown,
            says: "cannot list resource resourceslices"
        ),
    ]

    private func facts(_ test: Case) -> NodeFacts {
        .h100Ready.with { facts in
            facts.pci = .present(test.gpus.indices.map { PCIFunction.h100.at(bus: UInt8($0)) })
            facts.vendor = .answering("595.71.05", gpus: DevicePluginOfferTests.gpus(test.gpus))
            facts.offerWait = test.wait
            if let isSharing = test.isSharing {
                let process = DevicePluginProcess(
                    pid: 7,
                    strategy: .present(test.strategy),
                    source: .argument,
                    isSharing: isSharing,
                    isLimited: test.isLimited
                )
                facts.devicePlugin = DevicePluginFacts(processes: .present([process]))
            }
        }
    }

    @Test(arguments: cases) func comparesWhatIsOfferedWithTheGPUs(_ test: Case) {
        let report = Checks(facts: facts(test), plan: .adoptedH100, migStrategy: test.strategy).report()
        let finding = report.finding(.gpuNotOffered)
        #expect(finding?.state == test.state)
        #expect(finding?.observed.contains(test.says) == true, "\(finding?.observed ?? "")")
        guard test.state != .pass else { return #expect(report.readiness == .usable && report.verdict == .ready) }
        #expect(finding?.remedy.isEmpty == false && report.reason == .gpuNotOffered)
        #expect(report.readiness == (test.state == .failed ? .notUsable : .unknown))
        #expect(report.verdict == (test.state == .failed ? .notReady : .unknown))
        #expect(TaintWish(report.verdict, report.readiness) == (test.state == .failed ? .present : .keep))
    }

    @Test func noDaemonThatWaitsIsNoFinding() {
        let report = Checks(facts: .h100Ready, plan: .adoptedH100).report()
        #expect(report.finding(.gpuNotOffered) == nil && report.verdict == .ready)
    }

    /// A node with a driver that the agent would not choose waits for the plugin, and not for another driver.
    @Test func theWaitIsTheReasonAndNotAWarning() {
        let facts = facts(Self.cases[0]).with { $0.devicePlugin = DevicePluginFacts(processes: .absent) }
        var plan = Plan.adoptedH100
        plan.problems = [Finding(.foreignDriver, observed: "another driver", expected: "x", remedy: "y")]
        let report = Checks(facts: facts, plan: plan).report()
        #expect(report.reason == .gpuNotOffered && report.finding(.foreignDriver)?.state == .warning)
    }

    @Test func theGPUsAreHealthyMeanwhile() {
        let facts = facts(Self.cases[0])
        let report = Checks(facts: facts, plan: .adoptedH100).report()
        #expect(GPUHealth(report, facts: facts) == .healthy)
        let conditions = NodeConditions(report, facts: facts, types: ConditionTypes()).all
        #expect(conditions.map(\.status) == [.no, .yes] && conditions.first?.reason == "GPUNotOffered")
    }

    @Test func theWaitEndsTheFirstTime() {
        var settling = Settling()
        let waiting = Checks(facts: facts(Self.cases[0]), plan: .adoptedH100).report()
        #expect(settling.settle(waiting, at: .now).verdict == .notReady && !settling.hasWorked)
        let offered = Checks(facts: facts(Self.cases[3]), plan: .adoptedH100).report()
        #expect(settling.settle(offered, at: .now).verdict == .ready && settling.hasWorked)
    }
}
