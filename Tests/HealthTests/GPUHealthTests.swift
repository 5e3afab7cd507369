import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport
import Testing

/// Whether the findings say that a GPU is faulty, apart from whether the node is ready.
@Suite struct GPUHealthTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        var readiness: Readiness
        /// The code of the fault; nil when no GPU is faulty.
        var fault: ReasonCode?
        /// The code of the finding for which the agent cannot tell; nil when there is none.
        var doubt: ReasonCode?
        var isHealthy: Bool

        init(
            _ name: String,
            _ facts: NodeFacts,
            _ readiness: Readiness,
            fault: ReasonCode? = nil,
            doubt: ReasonCode? = nil,
            isHealthy: Bool = false,
            _ change: (inout NodeFacts) -> Void = { _ in }
        ) {
            (testDescription, self.readiness, self.fault, self.isHealthy) = (name, readiness, fault, isHealthy)
            self.doubt = doubt
            self.facts = facts.with(change)
        }
    }

    private static func lost(_ function: PCIFunction) -> PCIFunction {
        var function = function
        function.vgpuCapability = .unreadable(PCIFunction.noAnswer)
        return function
    }

    /// Adds a second GPU whose name NVML cannot read.
    private static func unreadable(_ facts: inout NodeFacts, _ code: Int, _ name: String) {
        facts.pci = .present([facts.gpus[0], .h100.at(bus: 9)])
        var other = GPUFacts.h100.at(index: 9)
        other.name = .unreadable(ReadFailure(.vendor, "nvmlDeviceGetName: \(code) NVML_ERROR_\(name)"))
        facts.vendor = .answering("595.71.05", gpus: [.h100, other])
    }

    static let cases: [Case] = [
        Case("CUDA works", .h100Ready, .usable, isHealthy: true),
        Case("no driver", .h100, .notUsable),
        Case("no NVML library", .h100Ready, .notUsable) { $0.vendor = .absent },
        Case("a driver of the other kind, and CUDA works", .h100Ready, .usable, isHealthy: true) {
            $0.driver = .loaded("595.91.07", .open, kind: .grid)
        },
        Case("one GPU of two fell off the bus", .h100Ready, .usable, fault: .gpuLost) {
            $0.pci = .present([.h100.at(bus: 0), lost(.h100.at(bus: 1))])
        },
        Case("the only GPU fell off the bus", .h100, .notUsable, fault: .gpuLost) {
            $0.pci = .present([lost(.h100.at(bus: 1))])
        },
        Case("NVML lists one GPU of two", .h100Ready, .usable, fault: .gpuCount) {
            $0.pci = .present([$0.gpus[0], .h100.at(bus: 9)])
        },
        Case("the driver cannot initialize one GPU of two", .h100Ready, .usable, fault: .gpuNotInitialized) {
            $0.pci = .present([$0.gpus[0], .h100.at(bus: 9)])
            $0.kernelLog = .present(["NVRM: GPU 0001:09:00.0: RmInitAdapter failed! (0x24:0x72:1568)"])
        },
        Case("one GPU of two needs another driver", .h100Ready, .usable, doubt: .gpuNotInitialized) {
            $0.pci = .present([$0.gpus[0], .h100.at(bus: 9)])
            $0.kernelLog = .present([
                "NVRM: The NVIDIA GPU 0001:09:00.0 (PCI ID: 10de:2321) installed in this system requires use of the "
                    + "NVIDIA open kernel modules."
            ])
        },
        Case("NVML cannot read one GPU of two", .h100Ready, .usable, fault: .gpuUnreadable) {
            unreadable(&$0, 999, "UNKNOWN")
        },
        Case("NVML denies access to one GPU of two", .h100Ready, .usable, doubt: .gpuUnreadable) {
            unreadable(&$0, 4, "NO_PERMISSION")
        },
        Case("one GPU of two has a library of another version", .h100Ready, .usable, doubt: .gpuUnreadable) {
            unreadable(&$0, 18, "LIB_RM_VERSION_MISMATCH")
        },
        Case("one GPU of two needs a reset", .h100Ready, .usable, fault: .gpuUnreadable) {
            unreadable(&$0, 16, "RESET_REQUIRED")
        },
        Case("the agent may not read the only GPU", .h100Ready, .notUsable, doubt: .gpuUnreadable) {
            var gpu = GPUFacts.h100
            gpu.name = .unreadable(ReadFailure(.vendor, "nvmlDeviceGetName: 4 NVML_ERROR_NO_PERMISSION"))
            $0.vendor = .answering("595.71.05", gpus: [gpu])
        },
        Case("NVML hangs", .h100Ready, .notUsable, fault: .nvmlHang) {
            $0.vendor = .unreadable(ReadFailure(.hang, "nvmlInit_v2 did not return"))
        },
        Case("the agent could not ask", .h100Ready, .unknown) { $0.vendor = .skipped("not asked") },
    ]

    @Test(arguments: cases)
    func followsFromTheChecksOfTheGPUs(_ item: Case) throws {
        let plan = try Plan.made(for: item.facts)
        let report = Checks(facts: item.facts, plan: plan).report()
        #expect(report.readiness == item.readiness)
        switch GPUHealth(report, facts: item.facts) {
        case .healthy: #expect(item.isHealthy && item.fault == nil)
        case .faulty(let finding): #expect(finding.code == item.fault)
        case .unknown(let finding):
            #expect(!item.isHealthy && item.fault == nil)
            #expect(finding?.code == item.doubt)
        }
    }

    /// A failure that does not count yet, and a check that passes, do not change the result.
    @Test(arguments: Finding.State.allCases)
    func onlyAFailureOrAWarningIsAFault(_ state: Finding.State) {
        let lost = NodeFacts.h100Ready.with { Self.unreadable(&$0, 15, "GPU_IS_LOST") }
        let uninitialized = NodeFacts.h100Ready.with {
            $0.pci = .present([.h100, .h100.at(bus: 9)])
            $0.kernelLog = .present(["NVRM: GPU 0001:09:00.0: RmInitAdapter failed! (0x22:0x56:884)"])
        }
        for code in GPUHealth.faults {
            let facts = code == .gpuNotInitialized ? uninitialized : lost
            let finding = Finding(code, state, observed: "x", expected: "y")
            let report = NodeReport(
                verdict: .ready,
                readiness: .usable,
                reason: nil,
                nextAction: "",
                findings: [finding]
            )
            let isFault = state == .failed || state == .warning
            #expect(GPUHealth(report, facts: facts) == (isFault ? .faulty(finding) : .healthy))
        }
    }
}
