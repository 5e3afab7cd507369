import FoundationEssentials
import MIG
import NodeModel
import Reporting
import Support
import TestSupport
import Testing

/// What people read.
@Suite struct MIGDocumentTests {
    private let style = Style(color: false)

    private func instance(_ id: Int, _ profile: Int, _ start: Int, _ size: Int, _ compute: Int...) -> MIGGPUInstance {
        MIGGPUInstance(
            id: id,
            profileID: profile,
            placement: MIGSpan(start: start, size: size),
            computeInstances: compute.enumerated().map { MIGComputeInstance(id: $0.offset, slices: $0.element) }
        )
    }

    /// A node with GPUs in every state.
    private var inventory: MIGInventory {
        var guest = GPUModels.gpu(GPUModels.rtxPro6000, index: 3)
        guest.virtualization = .present(.vgpu)
        guest.instances = .absentBecause("nvmlDeviceGetGpuInstances: 4 NVML_ERROR_NO_PERMISSION")
        guest.devices = .present(["4g.96gb"])
        return MIGInventory(
            gpus: [
                GPUModels.gpu(
                    GPUModels.a100,
                    index: 0,
                    instances: [instance(7, 19, 0, 1, 1), instance(2, 9, 4, 4, 2, 1), instance(8, 19, 1, 1)]
                ),
                GPUModels.gpu(GPUModels.a100, index: 1, mode: MIGMode(current: false, pending: true)),
                GPUModels.gpu(GPUModels.a100, index: 2, mode: MIGMode(current: false, pending: false)),
                guest,
                GPUModels.gpu([], index: 4, mode: nil),
            ],
            unreadable: [
                .init(
                    index: 5,
                    failure: ReadFailure(.vendor, "nvmlDeviceGetHandleByIndex_v2: 15 NVML_ERROR_GPU_IS_LOST")
                )
            ]
        )
    }

    @Test func theList() throws {
        try expectGolden(MIGListDocument(inventory).text(style), "Goldens/list.txt")
    }

    private func plan(_ targets: [Int: MIGTarget], _ problems: [String] = []) -> MIGNodePlan {
        MIGNodePlan("training", targets, problems, inventory)
    }

    @Test func thePlan() throws {
        let large = GPUModels.target(["4g.20gb": 1, "3g.20gb": 1])
        let plan = plan([0: large, 2: large])
        let document = MIGDocument(.plan, plan, isVirtualMachine: false)
        #expect(document.state == .possible)
        try expectGolden(document.text(style), "Goldens/plan.txt")
    }

    @Test func whatIsInTheWay() throws {
        var plan = plan(
            [
                0: GPUModels.target(["7g.40gb": 1]), 1: GPUModels.target(["1g.5gb": 7]),
                2: GPUModels.target(["3g.20gb": 2, "1g.5gb": 1]), 3: GPUModels.target(["2g.48gb": 2]),
            ],
            ["GPU 5 does not answer: nvmlDeviceGetHandleByIndex_v2: 15 NVML_ERROR_GPU_IS_LOST"]
        )
        plan.refuse(.present([DeviceUser(pid: 4711, command: "python3", nodes: ["nvidia0"], pod: "ml/train-0")]))
        let document = MIGDocument(.plan, plan, isVirtualMachine: false)
        #expect(document.state == .failed)
        try expectGolden(document.text(style), "Goldens/in-the-way.txt")
    }

    @Test(arguments: [false, true]) func aResetIsNeeded(_ isVirtualMachine: Bool) throws {
        let document = MIGDocument(
            .result,
            plan([1: GPUModels.target(["1g.5gb": 7])]),
            isVirtualMachine: isVirtualMachine
        )
        #expect(document.state == (isVirtualMachine ? .rebootRequired : .resetRequired))
        try expectGolden(document.text(style), "Goldens/\(isVirtualMachine ? "reboot" : "reset")-required.txt")
    }

    @Test func aStepThatFailed() throws {
        let document = MIGDocument(
            .result,
            plan([0: GPUModels.target(["7g.40gb": 1])]),
            failures: [
                "GPU-0": "remove the compute instance 0 of the GPU instance 7: nvmlComputeInstanceDestroy: 19 "
                    + "NVML_ERROR_IN_USE (a process uses the instance)"
            ],
            isVirtualMachine: false
        )
        #expect(document.state == .failed)
        try expectGolden(document.text(style), "Goldens/failed.txt")
    }

    @Test func withoutARecordThereIsADocument() throws {
        let document = MIGDocument.notRecorded
        #expect(
            document.text(style) == "No MIG layout is recorded on this host. 'gpu-agent mig apply' records one.\n"
        )
        let text = String(decoding: try JSONEncoder().encode(document), as: UTF8.self)
        for part in [#""kind":"MIGResult""#, #""state":"not-recorded""#, #""gpus":[]"#, #""apiVersion":""#] {
            #expect(text.contains(part), "\(text)")
        }
    }

    /// A GPU that is gone does not make the result of the others a success.
    @Test func aMissingGPUIsNoSuccess() {
        let gpu = GPUModels.gpu(GPUModels.a100, index: 2, mode: MIGMode(current: false, pending: false))
        let record = MIGRecord().applying(
            MIGNodePlan("x", [2: MIGTarget(isEnabled: false)], [], MIGInventory(gpus: [gpu])),
            among: MIGInventory(gpus: [gpu]),
            at: MIGRecord.Moment(bootID: "b", moduleLoad: "l", at: Timestamp(1))
        ) { _ in .success }
        var other = record.gpus[0]
        (other.uuid, other.target) = ("GPU-gone", MIGTarget(isEnabled: true))
        let plan = MIGRecord(gpus: record.gpus + [other]).plan(MIGInventory(gpus: [gpu]))
        let document = MIGDocument(.result, plan, isVirtualMachine: false)
        #expect(
            document.state == .failed && document.problems.count == 1 && document.gpus.map(\.outcome) == ["matches"]
        )
    }

    /// The driver accepted all steps, and the GPU has another layout: no success.
    @Test func onlyTheReadingIsASuccess() {
        let wanted = GPUModels.target(["7g.40gb": 1])
        #expect(MIGDocument(.result, plan([0: wanted]), isVirtualMachine: false).state == .failed)
        let matching = plan([2: MIGTarget(isEnabled: false)])
        #expect(MIGDocument(.result, matching, isVirtualMachine: false).state == .success)
        // A failure is none either, whatever the GPU has.
        let failed = MIGDocument(.result, matching, failures: ["GPU-2": "it hangs"], isVirtualMachine: false)
        #expect(failed.state == .failed)
    }
}
