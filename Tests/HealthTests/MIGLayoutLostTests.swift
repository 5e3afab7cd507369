import CoreSupport
import Health
import NodeModel
import Support
import TestSupport
import Testing

/// The MIG layout that was recorded on the host.
@Suite struct MIGLayoutLostTests {
    private func finding(
        _ devices: [String],
        recorded: [String],
        mode: Bool = true,
        wanted: Bool = true,
        boot: String? = "before",
        isRestorable: Bool = true
    ) -> Finding? {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.host.bootID = .present("now")
            let layout = WantedMIGLayout(
                layout: "training",
                gpus: [
                    .init(uuid: "GPU-a", isEnabled: wanted, devices: recorded),
                    .init(uuid: "GPU-replaced", isEnabled: true, devices: ["7g.80gb"]),
                ],
                isRestorable: isRestorable,
                bootID: boot,
                at: Timestamp(1)
            )
            facts.wantedMIG = .present(layout)
        }
        .withNVML { nvml in
            nvml.gpus[0].uuid = .present("GPU-a")
            nvml.gpus[0].migMode = .present(MIGMode(current: mode, pending: mode))
            nvml.gpus[0].migDevices =
                mode
                ? .present(
                    devices.enumerated().map { index, profile in
                        MIGDevice(
                            uuid: "MIG-\(index)",
                            profile: profile,
                            memoryMiB: 1,
                            gpuInstanceID: index,
                            computeInstanceID: 0
                        )
                    }
                ) : .absent
        }
        return Checks(facts: facts, plan: .adoptedH100).report().finding(.migLayoutLost)
    }

    @Test func aRebootThatRemovedTheLayoutIsAFailure() {
        let finding = finding([], recorded: ["1g.10gb", "3g.40gb"], mode: false)
        #expect(finding?.state == .failed)
        #expect(finding?.observed.contains("layout training: GPU 0") == true)
        #expect(finding?.observed.hasSuffix("MIG mode is off") == true)
        #expect(finding?.remedy.text.contains("gpu-agent mig restore") == true)
        #expect(self.finding(["1g.10gb"], recorded: ["1g.10gb", "3g.40gb"])?.observed.hasSuffix(": 1g.10gb") == true)
        #expect(self.finding(["1g.10gb"], recorded: [], wanted: false)?.state == .failed)
    }

    @Test func theLayoutIsThere() {
        #expect(finding(["3g.40gb", "1g.10gb"], recorded: ["1g.10gb", "3g.40gb"])?.state == .pass)
        #expect(finding([], recorded: [], mode: false, wanted: false)?.state == .pass)
    }

    /// In the boot of the record, or after a failure, the node works as it is.
    @Test func everythingElseIsAWarning() {
        #expect(finding(["1g.10gb"], recorded: ["3g.40gb"], boot: "now")?.state == .warning)
        #expect(finding(["1g.10gb"], recorded: ["3g.40gb"], isRestorable: false)?.state == .warning)
    }

    @Test func withoutARecordThereIsNoFinding() {
        for reading in [Reading<WantedMIGLayout>.absent, .skipped("x"), .unreadable(ReadFailure(.io, "x"))] {
            let facts = NodeFacts.h100Ready.with { $0.wantedMIG = reading }
            #expect(Checks(facts: facts, plan: .adoptedH100).report().finding(.migLayoutLost) == nil)
        }
    }
}
