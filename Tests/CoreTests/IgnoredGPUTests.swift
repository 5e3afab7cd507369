import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import Selection
import TestSupport
import Testing

/// A GPU that the configuration ignores shapes neither the labels nor the checks.
@Suite struct IgnoredGPUTests {
    private static let displayCard = PCIFunction(
        address: PCIAddress(domain: 0, bus: 1, device: 0, function: 0),
        id: PCIID(vendor: 0x10de, device: 0x1cb1),
        subsystem: .present(PCIID(vendor: 0x10de, device: 0x11bc)),
        classCode: 0x0300
    )

    /// An H100 beside a card for a display, which has the lower address.
    private static func facts(_ change: (inout GPUFacts) -> Void = { _ in }) -> NodeFacts {
        NodeFacts.h100Ready.with { facts in
            var card = GPUFacts.h100
            card.pciAddress = .present(displayCard.address)
            card.uuid = .present("GPU-display")
            card.name = .present("Quadro P1000")
            card.computeCapability = .present(ComputeCapability(major: 6, minor: 1))
            change(&card)
            var gpu = GPUFacts.h100
            gpu.index = 1
            facts.pci = .present([displayCard, .h100])
            facts.vendor = .answering("595.71.05", gpus: [card, gpu])
        }
    }

    private let policy = Policy(hardware: [HardwareOverride(id: displayCard.id, treatment: .ignored)])

    private func report(_ facts: NodeFacts) throws -> (report: NodeReport, labels: [String: String]) {
        let plan = try Plan.made(for: facts, policy: policy)
        let report = Checks(facts: facts, plan: plan).report()
        return (report, Publication.of(facts, plan, report, policy).labels)
    }

    @Test func itIsInNoLabel() throws {
        let (report, labels) = try report(Self.facts())
        #expect(report.verdict == .ready)
        #expect(labels["nvidia.com/gpu.product"] == "NVIDIA-H100-NVL")
        #expect(labels["nvidia.com/gpu.family"] == "hopper")
        #expect(labels["nvidia.com/gpu.count"] == "1")
        #expect(labels["gpu-agent.dev/pci-id"] == "10de-2321")
    }

    @Test func noCheckCountsIt() throws {
        let lost = ReadFailure(.vendor, "nvmlDeviceGetName: 15 NVML_ERROR_GPU_IS_LOST")
        let report = try report(
            Self.facts {
                $0.name = .unreadable(lost)
                $0.migMode = .present(MIGMode(current: true, pending: false))
            }
        ).report
        #expect(report.verdict == .ready)
        #expect(report.finding(.gpuCount)?.observed == "1 of 1")
        #expect(report.finding(.gpuUnreadable)?.observed == "1 GPU read")
        // CUDA may see it or not.
        #expect(report.finding(.cudaFailed)?.state == .pass)
    }
}
