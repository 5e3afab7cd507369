import NodeModel
import TestSupport
import Testing

@testable import Health

/// Why Vulkan does not work, as the agent decides it from what it sees.
@Suite struct VulkanCauseTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var problems: [VulkanProblem]
        var evidence: VulkanCause.Evidence
        var cause: VulkanCause

        init(
            _ description: String,
            _ problems: VulkanProblem...,
            cause: VulkanCause,
            gpu: GPUFacts = .h100,
            _ change: (inout VulkanCause.Evidence) -> Void = { _ in }
        ) {
            testDescription = description
            self.problems = problems
            self.cause = cause
            evidence = VulkanCause.Evidence(
                gpus: [gpu],
                driverFile: "/etc/vulkan/icd.d/nvidia_icd.json",
                modules: ["nvidia", "nvidia_modeset"],
                nodes: ["nvidia0", "nvidia-modeset"]
            )
            change(&evidence)
        }
    }

    private static func instance(_ code: Int) -> VulkanProblem { .call("vkCreateInstance", code: code) }

    private static func mig(_ profile: String) -> GPUFacts {
        var gpu = GPUFacts.rtxProVGPU
        gpu.virtualization = .present(.passthrough)
        gpu.migDevices = gpu.migDevices.map {
            $0.map { device in
                var device = device
                device.profile = profile
                return device
            }
        }
        return gpu
    }

    private static let compute: GPUFacts = {
        var gpu = GPUFacts.rtxProVGPU
        gpu.name = .present("NVIDIA RTX Pro 6000 Blackwell DC-4-96C")
        return gpu
    }()
    private static let computeText = "\(compute.label) has the type NVIDIA RTX Pro 6000 Blackwell DC-4-96C"
    private static let missing = "libX11.so.6: cannot open shared object file"
    private static let tooNew = "libX11.so.6: version `GLIBC_2.44' not found"

    static let cases = [
        Case("-9 without the file", instance(-9), cause: .driverFileMissing) { $0.driverFile = nil },
        Case("no device without the file", .notListed(.h100), cause: .driverFileMissing) { $0.driverFile = nil },
        Case("a GPU of two without a file that the agent knows", .notListed(.h100), cause: .other) {
            $0.driverFile = nil
            $0.hasDevice = true
            $0.worksSomewhere = true
        },
        Case("-9 without a library", instance(-9), cause: .libraryMissing(missing)) { $0.loadError = missing },
        Case("-9 with a C library that is too old", instance(-9), cause: .libraryTooNew(tooNew)) {
            $0.loadError = tooNew
        },
        Case("-9 without the module", instance(-9), cause: .modesetModuleMissing) { $0.modules = ["nvidia"] },
        Case("-3 without the module", instance(-3), cause: .modesetModuleMissing) { $0.modules = ["nvidia"] },
        Case("-3 without the node", .device(.h100, code: -3), cause: .modesetNodeMissing) { $0.nodes = ["nvidia0"] },
        Case("-3 on one GPU of two", .device(.h100, code: -3), cause: .other) {
            $0.nodes = ["nvidia0"]
            $0.worksSomewhere = true
        },
        Case("-3 while the modules are not known", instance(-3), cause: .other) {
            $0.modules = nil
            $0.nodes = nil
        },
        Case("-9 with everything", instance(-9), cause: .other),
        Case("-1 without the module", instance(-1), cause: .other) { $0.modules = ["nvidia"] },
        Case("-4 on a device", .device(.h100, code: -4), cause: .other) { $0.modules = ["nvidia"] },
        Case("a compute vGPU", .device(compute, code: -3), cause: .noGraphics(computeText), gpu: compute) {
            $0.modules = ["nvidia"]
        },
        Case("a node with only a compute vGPU", instance(-9), cause: .noGraphics(computeText), gpu: compute),
        Case("memory is short on a compute vGPU", .device(compute, code: -2), cause: .other, gpu: compute),
        Case("a workstation vGPU", .device(.rtxProVGPU, code: -3), cause: .hostProfile(GPUFacts.rtxProVGPU.label)),
        Case(
            "a MIG device without graphics",
            .device(mig("1g.24gb"), code: -3),
            cause: .noGraphics("\(GPUFacts.rtxProVGPU.label) has the MIG profile 1g.24gb")
        ),
        Case("a MIG device with graphics", .device(mig("1g.24gb+gfx"), code: -3), cause: .other),
        Case(
            "a GPU that only computes",
            .cannotDraw(.h100),
            cause: .noGraphics("\(GPUFacts.h100.label) is the model NVIDIA H100 NVL")
        ),
        Case(
            "the first known cause",
            .device(.h100, code: -4),
            .device(mig("1g.24gb"), code: -3),
            cause: .noGraphics("\(GPUFacts.rtxProVGPU.label) has the MIG profile 1g.24gb")
        ),
    ]

    @Test(arguments: cases)
    func decides(_ row: Case) {
        #expect(VulkanCause.of(row.problems, row.evidence) == row.cause)
    }
}
