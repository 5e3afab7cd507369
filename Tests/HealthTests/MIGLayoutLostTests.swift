import CoreSupport
import Health
import NodeModel
import Support
import TestSupport
import Testing

/// The MIG layouts that were recorded on the host.
@Suite struct MIGLayoutLostTests {
    private func finding(
        _ devices: [String],
        _ goals: WantedMIGLayout.GPU...,
        mode: Bool = true,
        restoresMIG: Bool = false,
        code: ReasonCode = .migLayoutLost
    ) -> Finding? {
        let facts = NodeFacts.h100(devices, mode: mode, recorded: goals)
        return Checks(facts: facts, plan: .adoptedH100, restoresMIG: restoresMIG).report().finding(code)
    }

    private let goal = ["1g.10gb", "3g.40gb"]

    @Test func aLoadThatRemovedTheLayoutIsAFailure() {
        let finding = finding([], .recorded(goal), mode: false)
        #expect(finding?.state == .failed)
        #expect(finding?.observed.hasSuffix("MIG mode is off (training)") == true)
        #expect(finding?.remedy.text.contains("gpu-agent mig restore") == true)
        #expect(self.finding(["1g.10gb"], .recorded(goal))?.observed.hasSuffix(": 1g.10gb (training)") == true)
        #expect(self.finding(["1g.10gb"], .recorded([], isEnabled: false))?.state == .failed)
        #expect(self.finding([], .recorded(goal, boot: "now", load: "6"), mode: false)?.state == .failed)
    }

    /// A GPU that keeps its MIG mode has no MIG device after a load.
    ///
    /// That is no finding of its own, because a failure of it counts only after a minute.
    @Test func aLostLayoutExplainsMissingDevices() {
        #expect(finding([], .recorded(goal))?.state == .failed)
        #expect(finding([], .recorded(goal), code: .migDevicesMissing) == nil)
        #expect(finding([], .recorded(goal, boot: "now"), code: .migDevicesMissing)?.state == .failed)
    }

    @Test func theLayoutIsThere() {
        #expect(finding(["3g.40gb", "1g.10gb"], .recorded(goal))?.state == .pass)
        #expect(finding([], .recorded([], isEnabled: false), mode: false)?.state == .pass)
    }

    /// In the load of the record, or after a failure, the node works as it is.
    @Test func everythingElseIsAWarning() {
        #expect(finding(["1g.10gb"], .recorded(goal, boot: "now"))?.state == .warning)
        #expect(finding(["1g.10gb"], .recorded(goal, isFailed: true))?.state == .warning)
    }

    /// The node is not ready while the daemon makes a layout, also one whose first attempt had failed.
    @Test func theNodeWaitsForTheDaemon() {
        let failed = WantedMIGLayout.GPU.recorded(goal, isFailed: true)
        #expect(finding([], failed, mode: false)?.state == .warning)
        let now = finding([], failed, mode: false, restoresMIG: true)
        #expect(now?.state == .failed)
        #expect(now?.remedy.text == "Wait. The daemon makes the MIG layout now.")
        // It makes nothing on a GPU with MIG devices.
        #expect(finding(["1g.10gb"], failed, restoresMIG: true)?.state == .warning)
    }

    @Test func aReplacedGPUHasARemedy() throws {
        let elsewhere = try #require(PCIAddress("0000:99:00.0"))
        let replaced = finding([], .recorded(goal, uuid: "GPU-old"), mode: false, code: .migGPUReplaced)
        #expect(replaced?.state == .warning)
        #expect(replaced?.observed.hasSuffix("GPU-old at 0001:00:00.0, where GPU-a is now (training)") == true)
        #expect(
            replaced?.remedy.text == "Run 'gpu-agent mig apply' for the new GPU. Until then, it gets no MIG layout."
        )
        #expect(finding([], .recorded(goal, uuid: "GPU-old"), mode: false)?.state == .pass, "it has no layout to lose")
        let old = WantedMIGLayout.GPU.recorded(goal, uuid: "GPU-old", at: elsewhere)
        let gone = finding([], old, mode: false, code: .migGPUReplaced)
        #expect(gone?.observed.hasSuffix("GPU-old at 0000:99:00.0, where no other GPU is (training)") == true)
        #expect(gone?.remedy.text.hasPrefix("Put the GPU back.") == true)
        #expect(finding(goal, .recorded(goal), code: .migGPUReplaced) == nil)
    }

    @Test func withoutARecordThereIsNoFinding() {
        for reading in [Reading<WantedMIGLayout>.absent, .skipped("x"), .unreadable(ReadFailure(.io, "x"))] {
            let facts = NodeFacts.h100Ready.with { $0.wantedMIG = reading }
            #expect(Checks(facts: facts, plan: .adoptedH100).report().finding(.migLayoutLost) == nil)
        }
    }
}
