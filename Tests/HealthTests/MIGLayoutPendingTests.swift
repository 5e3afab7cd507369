import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport
import Testing

/// The MIG layout that a label of the Node names, while it is not there.
@Suite struct MIGLayoutPendingTests {
    private static let code = ReasonCode.migLayoutPending

    private func report(_ wish: MIGLabelWish?, _ facts: NodeFacts = .h100Ready) -> NodeReport {
        Checks(facts: facts.with { $0.labelMIG = wish }, plan: .adoptedH100).report()
    }

    @Test func theNodeWaitsForTheFirstAttempt() {
        let report = report(MIGLabelWish(layout: "half", state: .first))
        #expect(report.verdict == .notReady && report.reason == Self.code && report.readiness == .notUsable)
        let finding = report.finding(Self.code)
        #expect(finding?.state == .failed)
        #expect(finding?.observed == "The daemon makes the MIG layout half that the label names.")
        #expect(finding?.expected == "the MIG layout half, which the label nvidia.com/mig.config names")
    }

    @Test(
        arguments: [
            (
                MIGLabelWish(layout: "half", state: .making),
                "The daemon makes the MIG layout half that the label names, on a node that is in use."
            ),
            (
                MIGLabelWish(layout: "half", state: .waiting, why: "a GPU needs a reset first"),
                "The MIG layout half is not there yet: a GPU needs a reset first."
            ),
            (
                MIGLabelWish(layout: "half", state: .failed, why: "in use by python3"),
                "The daemon could not make the MIG layout half: in use by python3."
            ), (MIGLabelWish(layout: "half", state: .failed), "The daemon could not make the MIG layout half."),
        ]
    )
    func everythingElseIsAWarning(_ wish: MIGLabelWish, _ observed: String) {
        let report = report(wish)
        let finding = report.finding(Self.code)
        #expect(report.verdict == .degraded && report.readiness == .usable && finding?.state == .warning)
        #expect(finding?.observed == observed && finding?.remedy.isEmpty == false)
    }

    @Test func withoutALabelThereIsNoFinding() {
        #expect(report(nil).finding(Self.code) == nil && report(nil).verdict == .ready)
    }

    /// MIG mode is on before the first device is made.
    @Test func theAttemptExplainsMissingDevices() {
        let empty = NodeFacts.h100([], mode: true, recorded: [])
        let making = report(MIGLabelWish(layout: "half", state: .first), empty)
        #expect(making.reason == Self.code && making.finding(.migDevicesMissing) == nil)
        let failed = report(MIGLabelWish(layout: "half", state: .failed), empty)
        #expect(failed.reason == .migDevicesMissing)
    }

    /// After its start, the daemon takes some seconds to find the layout that is there.
    @Test func aStartOfTheDaemonIsNoWarning() {
        let start = ContinuousClock.now
        var worked = Settling(hasWorked: true)
        let making = report(MIGLabelWish(layout: "half", state: .making))
        #expect(worked.settle(making, at: start).verdict == .ready)
        #expect(worked.settle(making, at: start + .seconds(61)).verdict == .degraded)
        var new = Settling()
        #expect(new.settle(report(MIGLabelWish(layout: "half", state: .first)), at: start).verdict == .notReady)
        #expect(!new.hasWorked)
        #expect(new.settle(report(MIGLabelWish(layout: "half", state: .failed)), at: start).verdict == .degraded)
        #expect(new.hasWorked)
    }
}
