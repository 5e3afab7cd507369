import NodeModel
import Reporting
import Selection
import Support
import TestSupport
import Testing

/// When `gpu-agent wait` has reached its goal.
@Suite struct WaitEvidenceTests {
    private static let loaded = Reading<String>.present("595.71.05")

    private static func results(_ facts: NodeFacts, until: Double = 1420) -> DaemonResults {
        DaemonResults(at: Timestamp(1000), until: Timestamp(until), journal: nil, facts: facts)
    }

    private static func published(_ verdict: Verdict, worked: Bool? = nil) -> PublishedState {
        PublishedState(
            node: "node-1",
            labels: ["gpu-agent.dev/verdict": verdict.rawValue, "gpu-agent.dev/pci-id": "10de-2321"],
            conditions: [Condition(type: "GPUReady", status: .no, reason: "X", message: "The driver is built.")],
            gpusWorked: worked
        )
    }

    private static let cudaFails = NodeFacts.h100Ready.with {
        var vendor = $0.vendor.value ?? VendorFacts(nvml: .absent, cuda: .absent)
        vendor.cuda = .present([CUDAFacts(visibleDevices: nil, result: 100, errorName: "NO_DEVICE", deviceCount: 0)])
        $0.vendor = .present(vendor)
    }

    private static func plugin(_ allocatable: [String: Int]) -> NodeFacts {
        NodeFacts.h100Ready.with { $0.devicePlugin = DevicePluginFacts(allocatable: .present(allocatable)) }
    }

    private static func slices(_ slices: OfferedSlices) -> NodeFacts {
        plugin([:]).with { $0.offerWait = OfferWait(slices: .present(slices)) }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var goals: [WaitGoal]
        var evidence: WaitEvidence

        init(_ name: String, reaches goals: [WaitGoal], _ change: (inout WaitEvidence) -> Void) {
            testDescription = name
            self.goals = goals
            evidence = WaitEvidence(now: Timestamp(1010), loadedVersion: WaitEvidenceTests.loaded)
            change(&evidence)
        }

        static let all = [
            Case("nothing is known", reaches: []) { _ in },
            // The results of the daemon
            Case("CUDA works", reaches: [.driver, .cuda]) { $0.results = results(.h100Ready) },
            Case("CUDA fails", reaches: [.driver]) { $0.results = results(cudaFails) },
            Case("no driver", reaches: []) { ($0.results, $0.loadedVersion) = (results(.h100), .absent) },
            Case("results of a daemon that ended", reaches: []) { $0.results = results(.h100Ready, until: 1005) },
            Case("the driver was unloaded", reaches: []) {
                ($0.results, $0.loadedVersion) = (results(.h100Ready), .absent)
            },
            Case("the modules are not visible", reaches: [.driver, .cuda]) {
                $0.results = results(.h100Ready)
                $0.loadedVersion = .unreadable(ReadFailure(.permission, "x"))
            },
            Case("the plugin offers GPUs", reaches: [.driver, .cuda, .plugin]) {
                $0.results = results(plugin(["nvidia.com/gpu": 1]))
            },
            Case("the plugin offers MIG devices", reaches: [.driver, .cuda, .plugin]) {
                $0.results = results(plugin(["nvidia.com/mig-1g.10gb": 7]))
            },
            Case("the plugin offers none", reaches: [.driver, .cuda]) {
                $0.results = results(plugin(["nvidia.com/gpu": 0]))
            },
            Case("slices", reaches: [.driver, .cuda, .plugin]) { $0.results = results(slices(OfferedSlices(gpus: 1))) },
            Case("slices that are not complete", reaches: [.driver, .cuda]) {
                $0.results = results(slices(OfferedSlices(gpus: 1, missingSlices: 1)))
            },
            // The validation files alone
            Case("driver-ready", reaches: [.driver]) { ($0.files, $0.loadedVersion) = ([.driverReady], .absent) },
            Case("cuda-ready", reaches: [.driver, .cuda]) { $0.files = [.cudaReady, .toolkitReady] },
            Case("plugin-ready", reaches: WaitGoal.allCases) { $0.files = [.pluginReady] },
            Case("toolkit-ready alone", reaches: []) { $0.files = [.toolkitReady] },
            Case("CUDA fails after the operator's files", reaches: [.driver]) {
                ($0.results, $0.files) = (results(cudaFails), [.driverReady, .cudaReady])
            },
            Case("the daemon does not know the plugin", reaches: WaitGoal.allCases) {
                ($0.results, $0.files) = (results(.h100Ready), [.pluginReady])
            },
            // What the daemon published
            Case("published", reaches: [.driver, .cuda]) { $0.published = published(.degraded, worked: true) },
            Case("published after a wait for the plugin", reaches: WaitGoal.allCases) {
                ($0.published, $0.waitFor) = (published(.ready, worked: true), .dra)
            },
            Case("published, and nothing worked yet", reaches: [.driver, .cuda]) {
                ($0.published, $0.waitFor) = (published(.ready), .dra)
            },
            Case("published by a daemon that ended", reaches: []) {
                ($0.published, $0.results) = (published(.ready, worked: true), results(.h100Ready, until: 1005))
            },
            Case("a GPU that is ignored fails", reaches: [.driver, .cuda]) {
                ($0.published, $0.results) = (published(.ready), results(cudaFails))
            },
            Case("published before an unload", reaches: []) {
                ($0.published, $0.loadedVersion) = (published(.ready, worked: true), .absent)
            },
        ]
    }

    @Test(arguments: Case.all)
    func reaches(_ row: Case) {
        for goal in WaitGoal.allCases {
            let answer = row.evidence.answer(for: goal)
            let isReached = if case .reached = answer { true } else { false }
            #expect(isReached == row.goals.contains(goal), "\(goal): \(answer)")
            if case .noGPU(let why) = answer { Issue.record("\(why)") }
        }
    }

    @Test func aNodeWithoutAGPUNeedsNoWait() {
        var evidence = WaitEvidence(now: Timestamp(1010), results: Self.results(.noGPU))
        for goal in WaitGoal.allCases {
            #expect(evidence.answer(for: goal) == .noGPU("no NVIDIA GPU is on the PCI bus"))
        }
        evidence = WaitEvidence(now: Timestamp(1010), published: Self.published(.noGPU))
        if case .noGPU = evidence.answer(for: .cuda) {} else { Issue.record("the published verdict does not count") }
    }

    @Test func saysWhatIsMissing() {
        var evidence = WaitEvidence(now: Timestamp(1010), results: Self.results(.h100), loadedVersion: .absent)
        evidence.published = Self.published(.installing)
        let why = "no driver is loaded; the agent says installing: The driver is built."
        #expect(evidence.answer(for: .cuda) == .waiting(why))
        evidence = WaitEvidence(now: Timestamp(1010), results: Self.results(Self.cudaFails), loadedVersion: Self.loaded)
        #expect(evidence.answer(for: .cuda) == .waiting("CUDA fails on 1 of 1: NO_DEVICE"))
    }
}
