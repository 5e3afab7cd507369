import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import Selection
import TestSupport
import Testing

/// A GPU that the configuration ignores, or that another kernel driver reserves, shapes neither the labels nor the
/// checks nor the metrics.
@Suite struct UnmanagedGPUTests {
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

    /// What the agent says about a node.
    private struct Answer {
        var decision: Decision
        var report: NodeReport
        var publication: Publication
        var counts: [String]

        init(_ facts: NodeFacts, _ policy: Policy) throws {
            let plan = try Plan.made(for: facts, policy: policy)
            decision = plan.decision
            report = Checks(facts: facts, plan: plan).report()
            publication = Publication.of(facts, plan, report, policy)
            let metrics = Metrics(
                report: report,
                facts: facts,
                decision: plan.decision,
                journal: nil,
                apiRequests: [],
                lookedAt: 0
            )
            counts = metrics.text().split(separator: "\n").filter { $0.hasPrefix("gpu_agent_gpus{") }.map(String.init)
        }
    }

    @Test func anIgnoredOneIsInNoLabelAndNoMetric() throws {
        let answer = try Answer(Self.facts(), policy)
        let labels = answer.publication.labels
        #expect(answer.report.verdict == .ready)
        #expect(answer.counts.first == "gpu_agent_gpus{source=\"pci\"} 1")
        #expect(answer.counts.dropFirst().first == "gpu_agent_gpus{source=\"nvml\"} 1")
        #expect(labels["nvidia.com/gpu.product"] == "NVIDIA-H100-NVL")
        #expect(labels["nvidia.com/gpu.family"] == "hopper")
        #expect(labels["nvidia.com/gpu.count"] == "1")
        #expect(labels["gpu-agent.dev/pci-id"] == "10de-2321")
    }

    /// Kernel drivers that can hold the display card, and whether the card then counts.
    static let holders: [(driver: String, counts: Bool)] = [
        ("vfio-pci", false), ("nvgrace_gpu_vfio_pci", false), ("pci-stub", false), ("xen-pciback", false),
        ("uio_pci_generic", false), ("nouveau", true), ("nova_core", true), ("nvidiafb", true),
    ]

    @Test(arguments: holders)
    func oneOfAnotherKernelDriverCountsWhenTheDriverIsInTheWay(_ driver: String, _ counts: Bool) throws {
        let facts = NodeFacts.h100Ready.with { facts in
            var held = PCIFunction.h100.at(bus: 7)
            held.id.device = 0x2330
            held.subsystem = .present(PCIID(vendor: 0x10de, device: 0x16c1))
            held.kernelDriver = .present(driver)
            facts.pci = .present([.h100, held])
        }
        let answer = try Answer(facts, Policy())
        #expect(answer.publication.labels["gpu-agent.dev/pci-id"] == (counts ? "10de-2321_10de-2330" : "10de-2321"))
        #expect(answer.counts.first == "gpu_agent_gpus{source=\"pci\"} \(counts ? 2 : 1)")
        #expect(answer.report.finding(.gpuCount)?.observed == "1 of 1")
        #expect((answer.report.finding(.otherGPUDriver) != nil || driver == "nouveau") == counts)
    }

    @Test(arguments: ["vfio-pci", "pci-stub", "uio_pci_generic"])
    func aNodeWithoutAnyOtherHasNoGPU(_ driver: String) throws {
        let facts = NodeFacts.h100.withGPU { $0.kernelDriver = .present(driver) }
        let answer = try Answer(facts, Policy())
        #expect(answer.report.verdict == .noGPU)
        #expect(answer.publication.labels == ["gpu-agent.dev/verdict": "no-gpu", "gpu-agent.dev/reason": "no-gpu"])
        #expect(answer.publication.undetermined == [])
        #expect(answer.counts == ["gpu_agent_gpus{source=\"pci\"} 0"])
    }

    /// The ignored GPU has a fault of its own, and the other one only needs another driver.
    @Test func anIgnoredOneDoesNotSayWhoseFaultAFindingIs() throws {
        let facts = Self.facts().with { facts in
            facts.pci = .present([Self.displayCard, .h100, .h100.at(bus: 9)])
            facts.vendor = .answering("595.71.05", gpus: [.h100])
            facts.kernelLog = .present([
                "NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x24:0x72:1568)",
                "NVRM: The NVIDIA GPU 0001:09:00.0 (PCI ID: 10de:2321) installed in this system is not supported by the "
                    + "NVIDIA 595.71.05 driver release.",
            ])
        }
        let answer = try Answer(facts, policy)
        #expect(answer.report.finding(.gpuNotInitialized)?.state == .warning)
        let healthy = try #require(answer.publication.conditions.first { $0.type == ConditionTypes().healthy })
        #expect(healthy.status == .unknown)
    }

    /// The driver is chosen for the same GPUs that checks, labels and metrics are about, but for those that are lost.
    @Test func theDriverIsForTheManagedOnes() throws {
        let catalog = try repositoryCatalog()
        var source = RandomFacts(seed: 7, pool: .all(of: catalog))
        var seen = 0
        for _ in 0..<20_000 {
            let facts = source.facts()
            let decision = Selection(catalog: catalog, policy: source.policy(for: facts)).decide(facts)
            guard !decision.gpus.isEmpty else { continue }
            let managed = decision.managed(facts).gpus.filter { !$0.isLost }.map(\.address)
            if Set(managed) != Set(decision.gpus) { Issue.record("\(managed) \(decision.gpus)") }
            if facts.gpus.count > managed.count { seen += 1 }
        }
        #expect(seen > 50)
    }

    /// A function that cannot be identified can be a GPU for pods, also beside GPUs that are not.
    @Test func anUnidentifiedFunctionBesideThemKeepsTheNodeUnknown() throws {
        let ignoring = Policy(hardware: [HardwareOverride(id: PCIFunction.h100.id, treatment: .ignored)])
        let nodes = [(NodeFacts.h100.withGPU { $0.kernelDriver = .present("vfio-pci") }, Policy()), (.h100, ignoring)]
        for (facts, policy) in nodes {
            let facts = facts.with {
                $0.unidentified = [
                    UnidentifiedFunction(address: PCIFunction.h100.at(bus: 9).address, failure: .denied)
                ]
            }
            let answer = try Answer(facts, policy)
            #expect(answer.decision.action == .blocked && answer.report.verdict == .unknown)
            let reason = try #require(answer.report.reason).rawValue
            #expect(
                answer.publication.labels == ["gpu-agent.dev/verdict": "unknown", "gpu-agent.dev/reason": reason]
            )
            #expect(answer.publication.undetermined.contains("nvidia.com/gpu.present"))
            #expect(answer.publication.undetermined.contains("gpu-agent.dev/pci-id"))
        }
    }

    @Test func noCheckCountsAnIgnoredOne() throws {
        let lost = ReadFailure(.vendor, "nvmlDeviceGetName: 15 NVML_ERROR_GPU_IS_LOST")
        let facts = Self.facts {
            $0.name = .unreadable(lost)
            $0.migMode = .present(MIGMode(current: true, pending: false))
        }
        let report = try Answer(facts, policy).report
        #expect(report.verdict == .ready)
        #expect(report.finding(.gpuCount)?.observed == "1 of 1")
        #expect(report.finding(.gpuUnreadable)?.observed == "1 GPU read")
        // CUDA may see it or not.
        #expect(report.finding(.cudaFailed)?.state == .pass)
        #expect(try Answer(Self.facts(), policy).report.finding(.cudaFailed)?.observed == "1 device")
    }
}
