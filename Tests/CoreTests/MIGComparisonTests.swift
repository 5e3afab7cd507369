import NodeModel
import Support
import TestSupport
import Testing

/// Which GPUs have their recorded MIG layout, why not, and what the daemon may make again.
@Suite struct MIGComparisonTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var devices: [String]?
        var mode: Bool? = true
        var goal: WantedMIGLayout.GPU
        /// Whether the driver was loaded after the record; nil when the GPU has its layout or that is not known.
        var isLost: Bool?
        var isRestorable = false

        init(
            _ name: String,
            _ devices: [String]?,
            mode: Bool? = true,
            _ goal: WantedMIGLayout.GPU,
            isLost: Bool?,
            isRestorable: Bool = false
        ) {
            (testDescription, self.devices, self.mode, self.goal) = (name, devices, mode, goal)
            (self.isLost, self.isRestorable) = (isLost, isRestorable)
        }
    }

    static let goal = ["1g.10gb", "3g.40gb"]

    static let rows: [Row] = [
        Row("the GPU has the layout", ["3g.40gb", "1g.10gb"], .recorded(goal), isLost: nil),
        Row("MIG mode is off, as wanted", [], mode: false, .recorded([], isEnabled: false), isLost: nil),
        Row("a reboot", [], mode: false, .recorded(goal), isLost: true, isRestorable: true),
        Row("a reboot that kept MIG mode", [], .recorded(goal), isLost: true, isRestorable: true),
        Row("a reboot, and another load", [], .recorded(goal, load: "6"), isLost: true, isRestorable: true),
        Row(
            "the driver was loaded again",
            [],
            .recorded(goal, boot: "now", load: "6"),
            isLost: true,
            isRestorable: true
        ),
        Row("a reboot after a failure", [], .recorded(goal, isFailed: true), isLost: true, isRestorable: true),
        Row("somebody removed the devices", [], .recorded(goal, boot: "now"), isLost: false),
        Row("somebody turned MIG mode off", [], mode: false, .recorded(goal, boot: "now"), isLost: false),
        Row("the boot of the record is not known", [], .recorded(goal, boot: nil), isLost: false),
        Row("the load of the record is not known", [], .recorded(goal, boot: "now", load: nil), isLost: false),
        Row("somebody made devices after the reboot", ["7g.80gb"], .recorded(goal), isLost: true),
        Row("a part of the layout is there", ["1g.10gb"], .recorded(goal), isLost: true),
        Row("MIG mode is on and should be off", [], .recorded([], isEnabled: false), isLost: true),
        Row("the mode is not known", [], mode: nil, .recorded(goal), isLost: nil),
        Row("the devices are not known", nil, .recorded(goal), isLost: nil),
    ]

    @Test(arguments: rows) func compares(_ row: Row) throws {
        let comparison = try #require(NodeFacts.h100(row.devices, mode: row.mode, recorded: [row.goal]).migComparison)
        #expect(comparison.differences.map(\.isLost) == (row.isLost.map { [$0] } ?? []))
        #expect(comparison.restorable == (row.isRestorable ? ["GPU-a"] : []))
        #expect(comparison.isIncomplete == (row.mode == nil || row.devices == nil))
        #expect(comparison.missing.isEmpty)
    }

    @Test func withoutARecordOrNVMLThereIsNoComparison() {
        #expect(NodeFacts.h100([], recorded: []).migComparison == nil)
        for reading in [Reading<WantedMIGLayout>.absent, .skipped("x"), .unreadable(ReadFailure(.io, "x"))] {
            #expect(NodeFacts.h100Ready.with { $0.wantedMIG = reading }.migComparison == nil)
        }
        let silent = NodeFacts.h100([], recorded: [.recorded(Self.goal)]).with {
            $0.vendor = .unreadable(ReadFailure(.hang, "NVML"))
        }
        #expect(silent.migComparison == nil)
    }

    /// While the current load is not known, a layout of this boot is not lost.
    @Test func anUnknownLoadIsNoNewLoad() {
        let facts = NodeFacts.h100([], recorded: [.recorded(Self.goal, boot: "now", load: "6")]).with {
            $0.driver.moduleLoad = .unreadable(ReadFailure(.permission, "x"))
        }
        #expect(facts.migComparison?.restorable == [])
    }

    @Test func aReplacedGPUIsMissingAndItsSuccessorGetsNothing() throws {
        let elsewhere = try #require(PCIAddress("0000:99:00.0"))
        let facts = NodeFacts.h100(
            [],
            recorded: [
                .recorded(Self.goal, uuid: "GPU-old"), .recorded(Self.goal, uuid: "GPU-gone", at: elsewhere),
                .recorded([], uuid: "GPU-off", at: elsewhere, isEnabled: false),
            ]
        )
        let comparison = try #require(facts.migComparison)
        #expect(comparison.differences.isEmpty && comparison.restorable.isEmpty)
        #expect(comparison.missing.map(\.goal.uuid) == ["GPU-old", "GPU-gone"])
        #expect(comparison.missing.map { $0.successor?.uuid.value } == ["GPU-a", nil])

        let unnamed = facts.withNVML { $0.gpus[0].uuid = .unreadable(ReadFailure(.vendor, "x")) }
        #expect(unnamed.migComparison?.missing.isEmpty == true, "it can be the recorded GPU")
        let ignored = facts.without([PCIFunction.h100.address])
        #expect(ignored.wantedMIG.value?.gpus.map(\.uuid) == ["GPU-gone", "GPU-off"])
    }

    /// A GPU in another slot is the same GPU.
    @Test func aMovedGPUIsNoSuccessor() throws {
        let elsewhere = try #require(PCIAddress("0000:99:00.0"))
        let facts = NodeFacts.h100(
            Self.goal,
            recorded: [.recorded(Self.goal, at: elsewhere), .recorded(Self.goal, uuid: "GPU-b")]
        )
        let comparison = try #require(facts.migComparison)
        #expect(comparison.differences.isEmpty)
        #expect(comparison.missing.map(\.goal.uuid) == ["GPU-b"] && comparison.missing[0].successor == nil)
    }
}
