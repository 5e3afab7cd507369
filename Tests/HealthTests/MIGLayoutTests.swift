import CoreSupport
import Health
import NodeModel
import Reporting
import TestSupport
import Testing

/// One judgment of the layout under `mig.strategy: single` is in the labels and in the report.
@Suite struct MIGLayoutTests {
    struct Layout: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The MIG devices of each GPU; nil for a GPU without MIG mode.
        var gpus: [[String]?]
        var why: String?
    }

    static let layouts = [
        Layout(testDescription: "off", gpus: [nil, nil]),
        Layout(testDescription: "one profile", gpus: [["1g.5gb", "1g.5gb"], ["1g.5gb"]]),
        Layout(
            testDescription: "two profiles on one GPU",
            gpus: [["1g.5gb", "2g.10gb"]],
            why: "the MIG devices have different profiles: 1g.5gb, 2g.10gb"
        ),
        Layout(
            testDescription: "two profiles on two GPUs",
            gpus: [["1g.5gb"], ["2g.10gb"]],
            why: "the MIG devices have different profiles: 1g.5gb, 2g.10gb"
        ),
        Layout(
            testDescription: "on beside off",
            gpus: [nil, ["1g.5gb"], nil],
            why: "MIG mode is on for GPU 1 and off for GPU 0, GPU 2"
        ),
    ]

    private func facts(_ layout: Layout) -> NodeFacts {
        NodeFacts.h100Ready.with { facts in
            facts.pci = .present(layout.gpus.indices.map { PCIFunction.h100.at(bus: UInt8($0)) })
            let gpus = layout.gpus.enumerated().map { index, profiles -> GPUFacts in
                var gpu = GPUFacts.h100.at(index: index)
                gpu.migMode = .present(MIGMode(current: profiles != nil, pending: profiles != nil))
                gpu.migDevices =
                    profiles.map { .present($0.enumerated().map { device($1, index * 10 + $0) }) } ?? .absent
                return gpu
            }
            facts.vendor = .answering("595.71.05", gpus: gpus)
        }
    }

    private func device(_ profile: String, _ number: Int) -> MIGDevice {
        var device = MIGDevice.wholeRTXPro
        (device.profile, device.uuid) = (profile, "MIG-\(number)")
        return device
    }

    @Test(arguments: layouts)
    func labelsAndVerdictAgree(layout: Layout) {
        let facts = facts(layout)
        let report = Checks(facts: facts, plan: .adoptedH100).report()
        let labels = Publication.of(facts, .adoptedH100, report, Policy()).labels
        let isInvalid = labels["nvidia.com/gpu.product"]?.hasSuffix("-MIG-INVALID") == true
        #expect(isInvalid == (layout.why != nil))
        guard let why = layout.why else {
            #expect(report.verdict == .ready)
            return
        }
        #expect(report.verdict == .notReady && report.reason == .migLayoutInvalid)
        #expect(report.finding(.migLayoutInvalid)?.observed == "mig.strategy is single, but \(why).")
        #expect(report.finding(.migStrategyNone) == nil)
        #expect(labels["nvidia.com/gpu.count"] == "0")
    }

    @Test(arguments: layouts)
    func theStrategyMixedTakesEveryLayout(layout: Layout) {
        let report = Checks(facts: facts(layout), plan: .adoptedH100, migStrategy: .mixed).report()
        #expect(report.verdict == .ready && report.finding(.migLayoutInvalid) == nil)
    }

    /// T4s have no MIG mode at all.
    @Test func anA100WithMIGBesideT4sIsInvalid() {
        let facts = facts(Layout(testDescription: "", gpus: [["1g.5gb"], nil])).withNVML { nvml in
            nvml.gpus[1].migMode = .absent
        }
        let report = Checks(facts: facts, plan: .adoptedH100).report()
        #expect(report.reason == .migLayoutInvalid)
    }
}
