import CoreSupport
import FoundationEssentials
import Health
import NodeModel
import Planning
import Reporting
import TestSupport
import Testing

@Suite struct PublicationTests {
    private func publication(_ facts: NodeFacts, _ policy: Policy = Policy()) throws -> Publication {
        let plan = try Plan.made(for: facts, policy: policy)
        return Publication.of(facts, plan, Checks(facts: facts, plan: plan).report(), policy)
    }

    private func text(_ publication: Publication) -> String {
        let labels = publication.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }
        let left = publication.undetermined.sorted().map { "(left) \($0)\n" }
        return labels.joined() + left.joined() + "(taint) \(publication.taint.rawValue)\n"
    }

    static let nodes: [String: NodeFacts] = [
        "rtx-pro-6000": .rtxProReady, "h100": .h100Ready, "no-gpu": .noGPU, "unknown-gpu": .unknownGPU,
        "rtx-pro-6000-without-driver": .rtxProVGPU,
        "h100-without-nvml": .h100Ready.with { $0.vendor = .unreadable(ReadFailure(.hang, "no answer")) },
        "h100-not-read": .h100Ready.with {
            $0.pci = .unreadable(.denied)
            $0.driver = .none
            $0.driver.loadedVersion = .unreadable(.denied)
            $0.vendor = .skipped("not asked")
        },
    ]

    @Test(arguments: nodes.keys.sorted())
    func showsTheLabelsOfItsGolden(_ name: String) throws {
        let facts = try #require(Self.nodes[name])
        try expectGolden(text(try publication(facts)), "Goldens/labels-\(name).txt")
    }

    /// The labels of a node whose facts the agent read on real hardware.
    @Test func showsTheLabelsOfARealH200() throws {
        let data = try Data(contentsOf: URL(filePath: fixture("../HealthTests/Fixtures/h200-in-a-vm.json")))
        let facts = try JSONDecoder().decode(NodeFacts.self, from: data)
        try expectGolden(text(try publication(facts)), "Goldens/labels-h200-in-a-vm.txt")
    }

    static let traits: [(modes: [Reading<GPUTrait.Value>], label: String?, isLeft: Bool)] = [
        ([.present(.flag(true))], "enabled", false),
        ([.present(.flag(false)), .present(.flag(false))], "disabled", false),
        ([.present(.flag(true)), .present(.flag(false))], "mixed", false),
        ([.present(.flag(true)), .absent], "enabled", false), ([.absent], nil, false),
        ([.present(.flag(true)), .unreadable(.denied)], nil, true),
        ([.present(.text("580.105.08"))], "580.105.08", false), ([.present(.text("96 / A*"))], "96---A", false),
    ]

    @Test(arguments: traits)
    func tellsATraitThatAllGPUsShare(_ modes: [Reading<GPUTrait.Value>], _ label: String?, _ isLeft: Bool) throws {
        let facts = NodeFacts.h100Ready.withNVML { nvml in
            nvml.gpus = modes.enumerated().map { index, mode in
                var gpu = GPUFacts.h100.at(index: index)
                gpu.traits[.ecc] = mode
                return gpu
            }
        }
        let publication = try publication(facts)
        #expect(publication.labels["gpu-agent.dev/ecc"] == label)
        #expect(publication.undetermined.contains("gpu-agent.dev/ecc") == isLeft)
    }

    /// What a GPU does changes from one inspection to the next, and must cause no write to the API server.
    @Test func whatAGPUDoesNowChangesNothingThatIsPublished() throws {
        let busy = NodeFacts.h100Ready.withNVML { nvml in
            for trait in GPUTrait.allCases where trait.declaration.group == .activity {
                nvml.gpus[0].traits[trait] = .present(.number(99))
            }
            let process = GPUProcess(pid: 4711, kind: .compute, memoryMiB: 512)
            nvml.gpus[0].processes = .present(GPUProcesses(count: 1, list: [process]))
        }
        let (quiet, loud) = (try publication(.h100Ready), try publication(busy))
        #expect(quiet.labels == loud.labels && quiet.undetermined == loud.undetermined)
        let reports = [try NodeReport.made(for: .h100Ready), try NodeReport.made(for: busy)]
        #expect(reports[0].findings == reports[1].findings && reports[0].verdict == reports[1].verdict)
        #expect(GPUTrait.allCases.allSatisfy { $0.declaration.label == nil || $0.declaration.group != .activity })
    }

    @Test func theLabelsHaveThePrefixThatIsAskedFor() throws {
        let own = try publication(.h100Ready, Policy(labelPrefix: "gpu.example.com")).labels.keys
        #expect(own.contains("gpu.example.com/verdict") && own.contains("gpu.example.com/driver-version"))
        #expect(own.allSatisfy { $0.hasPrefix("gpu.example.com/") || $0.hasPrefix("nvidia.com/") })
    }

    /// A node with one unreadable result, and the labels that must not change.
    struct Loss: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        var kept: Set<String>?

        init(_ name: String, _ facts: NodeFacts, kept: Set<String>? = nil) {
            testDescription = name
            self.facts = facts
            self.kept = kept.map { Set($0.map { "nvidia.com/\($0)" }) }
        }
    }

    private static func lost(_ change: (inout GPUFacts) -> Void) -> NodeFacts {
        NodeFacts.rtxProReady.withNVML { change(&$0.gpus[0]) }
    }

    static let losses: [Loss] = [
        Loss("the bus", NodeFacts.rtxProReady.with { $0.pci = .unreadable(.denied) }),
        Loss("the bus was skipped", NodeFacts.rtxProReady.with { $0.pci = .skipped("not asked") }),
        Loss("NVML hangs", NodeFacts.rtxProReady.with { $0.vendor = .unreadable(ReadFailure(.hang, "no answer")) }),
        Loss("NVML was skipped", NodeFacts.rtxProReady.with { $0.vendor = .skipped("not asked") }),
        Loss("NVML is not there, and the module is loaded", NodeFacts.rtxProReady.with { $0.vendor = .absent }),
        Loss("the loaded version", NodeFacts.rtxProReady.with { $0.driver.loadedVersion = .unreadable(.denied) }),
        Loss("the running module", NodeFacts.rtxProReady.with { $0.driver.runningModule = .unreadable(.denied) }),
        Loss(
            "nvidia-gridd",
            NodeFacts.rtxProReady.with {
                $0.driver.gridDaemon = .unreadable(.denied)
                $0.driver.record = .absent
            }
        ),
        Loss("the GPU", NodeFacts.rtxProReady.withNVML { $0.gpus = [.lost(index: 0)] }),
        Loss("all GPUs", NodeFacts.rtxProReady.withNVML { $0.gpus = [] }),
        Loss("its name", lost { $0.name = .unreadable(.denied) }),
        Loss("its memory, with MIG", lost { $0.memoryMiB = .unreadable(.denied) }, kept: []),
        Loss(
            "its compute capability",
            lost { $0.computeCapability = .unreadable(.denied) },
            kept: ["gpu.family", "gpu.compute.major", "gpu.compute.minor"]
        ),
        Loss(
            "the CUDA version",
            NodeFacts.rtxProReady.withNVML { $0.cudaVersion = .unreadable(.denied) },
            kept: ["cuda.runtime-version.full", "cuda.runtime-version.major", "cuda.runtime-version.minor"]
        ),
        Loss("the MIG mode", lost { $0.migMode = .unreadable(.denied) }),
        Loss("the MIG devices", lost { $0.migDevices = .unreadable(.denied) }),
        Loss(
            "one GPU of two",
            NodeFacts.rtxProReady.withNVML { $0.gpus.append(.lost(index: 1)) }
        ),
    ]

    @Test(arguments: losses)
    func aReadErrorTakesNoLabelOff(_ loss: Loss) throws {
        let owned = try publication(.rtxProReady).labels
        let after = try publication(loss.facts)
        var applied = after.labelsToApply(owned: owned)
        // The verdict has a reason then.
        applied["gpu-agent.dev/reason"] = nil
        #expect(Set(applied.keys) == Set(owned.keys))
        for (key, value) in owned where key != "gpu-agent.dev/verdict" {
            #expect(applied[key] == value, "\(key)")
        }
        #expect(after.undetermined.isDisjoint(with: after.labels.keys))
        if let kept = loss.kept { #expect(after.undetermined == kept) }
    }

    @Test func memoryWithoutMIGIsLeft() throws {
        let facts = NodeFacts.h100Ready.withNVML { $0.gpus[0].memoryMiB = .unreadable(.denied) }
        let after = try publication(facts)
        #expect(after.undetermined == ["nvidia.com/gpu.memory"])
        #expect(after.labelsToApply(owned: ["nvidia.com/gpu.memory": "95830"])["nvidia.com/gpu.memory"] == "95830")
        #expect(after.labelsToApply(owned: [:])["nvidia.com/gpu.memory"] == nil)
    }

    @Test func whatIsCertainlyGoneIsTakenOff() throws {
        let owned = try publication(.rtxProReady).labels
        let unloaded = NodeFacts.rtxProReady.with {
            $0.driver = $0.driver.unloaded
            $0.vendor = .absent
        }
        let reason = try #require(try NodeReport.made(for: unloaded).reason)
        #expect(
            try publication(unloaded).labelsToApply(owned: owned) == [
                "gpu-agent.dev/verdict": "not-ready", "gpu-agent.dev/reason": reason.rawValue,
                "gpu-agent.dev/pci-id": "10de-2bb5", "gpu-agent.dev/vgpu-mode": "guest",
                "gpu-agent.dev/vgpu-host-driver-version": "595.58.03",
                "nvidia.com/gpu.present": "true", "nvidia.com/vgpu.present": "true",
                "nvidia.com/vgpu.host-driver-version": "595.58.03", "nvidia.com/vgpu.host-driver-branch": "r595_58",
            ]
        )
        for bus in [Reading<[PCIFunction]>.present([]), .absent] {
            let removed = unloaded.with { $0.pci = bus }
            let none = ["gpu-agent.dev/verdict": "no-gpu", "gpu-agent.dev/reason": "no-gpu"]
            #expect(try publication(removed).labelsToApply(owned: owned) == none)
        }
    }

    @Test func onlyTheAgentsOwnUndeterminedLabelsAreSentAgain() {
        let publication = Publication(
            labels: ["a": "new"],
            undetermined: ["a", "b", "c"],
            taint: .keep,
            verdict: .unknown,
            message: ""
        )
        #expect(publication.labelsToApply(owned: ["a": "old", "b": "kept", "d": "gone"]) == ["a": "new", "b": "kept"])
    }

    @Test(arguments: [
        (Verdict.ready, Readiness.usable, TaintWish.absent), (.noGPU, .unknown, .absent),
        (.leftAlone, .unknown, .absent), (.notReady, .notUsable, .present), (.installing, .usable, .present),
        (.degraded, .usable, .absent), (.degraded, .notUsable, .keep), (.degraded, .unknown, .keep),
        (.waiting, .notUsable, .keep), (.unknown, .unknown, .keep),
    ])
    func theTaintFollowsTheVerdict(_ verdict: Verdict, _ readiness: Readiness, _ wish: TaintWish) {
        #expect(TaintWish(verdict, readiness) == wish)
    }

    @Test func theLabelsOfSeveralModelsAreThoseOfTheLowestAddress() throws {
        var a100 = GPUFacts.h100
        a100.name = .present("NVIDIA A100 80GB PCIe")
        a100.computeCapability = .present(ComputeCapability(major: 8, minor: 0))
        a100.memoryMiB = .present(81920)
        let gpus = [GPUFacts.h100.at(index: 2), a100.at(index: 1), GPUFacts.h100.at(index: 3), a100.at(index: 4)]
        var random = SeededGenerator(seed: 3)
        for _ in 0..<50 {
            let facts = NodeFacts.h100Ready.withNVML { $0.gpus = gpus.shuffled(using: &random) }
            let labels = try publication(facts).labels
            #expect(labels["nvidia.com/gpu.product"] == "NVIDIA-A100-80GB-PCIe")
            #expect(labels["nvidia.com/gpu.count"] == "2")
            #expect(labels["nvidia.com/gpu.memory"] == "81920")
            #expect(labels["nvidia.com/gpu.family"] == "ampere")
        }
    }

    @Test func severalIdsStandInOneLabel() throws {
        let facts = NodeFacts.h100.with { $0.pci = .present([.unknownGPU.at(bus: 3), .h100, .unknownGPU.at(bus: 2)]) }
        #expect(try publication(facts).labels["gpu-agent.dev/pci-id"] == "10de-2321_10de-ffff")
    }
}
