import FoundationEssentials
import MIG
import NodeModel
import Support
import Testing

/// What the host remembers of the layouts of its GPUs.
@Suite struct MIGRecordTests {
    private let gpus = (0..<3).map { GPUModels.gpu(GPUModels.a100, index: $0) }
    private let target = GPUModels.target(["1c.3g.20gb": 2, "1g.5gb": 1])
    private let first = MIGRecord.Moment(bootID: "b1", moduleLoad: "l1", at: Timestamp(1))
    private let second = MIGRecord.Moment(bootID: "b2", moduleLoad: "l2", at: Timestamp(2))

    private func plan(_ layout: String, _ indices: [Int], _ target: MIGTarget? = nil) -> MIGNodePlan {
        let targets = Dictionary(uniqueKeysWithValues: indices.map { ($0, target ?? self.target) })
        return MIGNodePlan(layout, targets, [], MIGInventory(gpus: gpus))
    }

    private func record(_ layout: String, _ indices: [Int], on record: MIGRecord = MIGRecord()) -> MIGRecord {
        record.applying(plan(layout, indices), among: MIGInventory(gpus: gpus), at: first) { _ in .success }
    }

    @Test func theRecordFindsTheGPUsByTheirUUIDs() throws {
        let record = record("x", [1])
        let read = try JSONDecoder().decode(MIGRecord.self, from: try JSONEncoder().encode(record))
        #expect(read == record)
        #expect(read.wanted.gpus.map(\.uuid) == ["GPU-1"] && read.wanted.gpus.map(\.bootID) == ["b1"])
        #expect(read.wanted.gpus.map(\.moduleLoad) == ["l1"] && read.wanted.gpus.map(\.layout) == ["x"])
        #expect(read.wanted.gpus.map(\.devices) == [["1c.3g.20gb", "1c.3g.20gb", "1g.5gb"]])
        #expect(read.wanted.gpus.map(\.isFailed) == [false])

        var moved = gpus[1]
        moved.index = 0
        #expect(read.plan(MIGInventory(gpus: [moved])).gpus.map(\.target) == [target])
        let gone = read.plan(MIGInventory(gpus: [gpus[0]]))
        #expect(gone.missing == ["the GPU GPU-1, which was at 0000:02:00.0, is not there"])
        #expect(gone.gpus.isEmpty && !gone.canBegin && !gone.matches && !gone.isPossible)
    }

    /// The others get their layouts, and the new GPU gets none.
    @Test func aReplacedGPUIsNamed() {
        var successor = gpus[1]
        successor.uuid = "GPU-new"
        let plan = record("x", [0, 1]).plan(MIGInventory(gpus: [gpus[0], successor]))
        #expect(
            plan.missing == [
                "the GPU GPU-1, which was at 0000:02:00.0, is not there. In its place is the GPU GPU-new, for which "
                    + "'gpu-agent mig apply' makes a layout"
            ]
        )
        #expect(plan.gpus.map(\.gpu.uuid) == ["GPU-0"] && plan.canBegin && !plan.isPossible)
    }

    @Test func aSecondApplyKeepsTheLayoutsOfOtherGPUs() {
        var both = record("b", [1, 2], on: record("a", [0, 1]))
        #expect(both.gpus.map(\.uuid) == ["GPU-0", "GPU-1", "GPU-2"])
        #expect(both.gpus.map(\.layout) == ["a", "b", "b"])
        let plan = both.plan(MIGInventory(gpus: gpus))
        #expect(plan.layout == "a, b" && plan.gpus.count == 3)
        #expect(both.plan(MIGInventory(gpus: gpus), only: ["GPU-2"]).gpus.map(\.gpu.uuid) == ["GPU-2"])
        both = record("c", [0, 1, 2], on: both)
        #expect(both.gpus.map(\.layout) == ["c", "c", "c"])
    }

    /// The layout of a GPU that is gone ends with the layout of the GPU in its place.
    @Test func aReplacedGPUIsForgottenWithItsSuccessor() {
        var before = record("a", [0, 1])
        before.gpus[1].uuid = "GPU-old"
        #expect(record("b", [2], on: before).gpus.map(\.uuid) == ["GPU-0", "GPU-old", "GPU-2"])
        #expect(record("b", [1], on: before).gpus.map(\.uuid) == ["GPU-0", "GPU-1"])
        // GPU 2 was in the slot of GPU 1, and is still there.
        before.gpus[1].uuid = "GPU-2"
        #expect(Set(record("b", [1], on: before).gpus.map(\.uuid)) == ["GPU-0", "GPU-1", "GPU-2"])
    }

    /// After a restore, a GPU with its layout belongs to this load of the driver, and the others wait for the next attempt.
    @Test func whatWasRestoredIsOfThisLoad() {
        let off = MIGTarget(isEnabled: false)
        var record = record("a", [0, 1, 2])
        for index in record.gpus.indices { record.gpus[index].target = off }
        record.gpus[2].target = target
        let inventory = MIGInventory(
            gpus: (0..<3).map {
                GPUModels.gpu(GPUModels.a100, index: $0, mode: MIGMode(current: false, pending: false))
            }
        )
        let restored = record.restored(record.plan(inventory), failed: ["GPU-1"], at: second)
        #expect(restored.gpus.map(\.bootID) == ["b2", "b1", "b1"])
        #expect(restored.gpus.map(\.moduleLoad) == ["l2", "l1", "l1"])
        #expect(restored.gpus.map(\.layout) == ["a", "a", "a"])
    }

    @Test func theStateOfAGPUIsItsOwn() {
        let inventory = MIGInventory(
            gpus: [
                GPUModels.gpu(GPUModels.a100, index: 0, mode: MIGMode(current: false, pending: false)),
                GPUModels.gpu(GPUModels.a100, index: 1, mode: MIGMode(current: false, pending: true)),
                GPUModels.gpu(GPUModels.a100, index: 2),
            ]
        )
        let plan = MIGNodePlan("x", [0: MIGTarget(isEnabled: false), 1: target, 2: target], [], inventory)
        #expect(plan.gpus.map(\.stateBeforeChange) == [.success, .resetRequired, .changing])
        #expect(plan.gpus.map { $0.recordedState(isFailed: false) } == [.success, .resetRequired, .failed])
        #expect(plan.gpus.map { $0.recordedState(isFailed: true) } == [.failed, .failed, .failed])
    }

    @Test(arguments: ["9h", "1g.5gb+xx", ""]) func aRecordWithoutAProfileIsRefused(_ name: String) {
        let text = #"{"enabled": true, "devices": [{"profile": "\#(name)", "count": 1}]}"#
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(MIGTarget.self, from: Data(text.utf8)) }
    }
}
