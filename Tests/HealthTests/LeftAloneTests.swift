import Catalog
import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import Selection
import TestSupport
import Testing

/// Nodes whose driver another owner manages, and settings that the vGPU host decides for a guest.
@Suite struct LeftAloneTests {
    private func report(_ facts: NodeFacts, _ strategy: MIGStrategy = .single) throws -> NodeReport {
        Checks(facts: facts, plan: try .made(for: facts), migStrategy: strategy).report()
    }

    static let owned: [(facts: NodeFacts, reason: ReasonCode, words: String)] = [
        (
            NodeFacts.h100.with { $0.claims.nodeLabels = .present([OwnerLabel.gpuOperatorDriver: "true"]) },
            .driverOwnedElsewhere, "nvidia.com/gpu.deploy.driver=false"
        ),
        (
            NodeFacts.h100.with { $0.claims.nodeLabels = .present([OwnerLabel.workload: "vm-vgpu"]) },
            .driverOwnedElsewhere, "nvidia.com/gpu.workload.config=container"
        ),
        (
            NodeFacts.h100.with { $0.claims.nodeLabels = .present([OwnerLabel.gkeDriverVersion: "default"]) },
            .driverOwnedElsewhere, "gpu-driver-version=disabled"
        ),
        (
            NodeFacts.h100.with { $0.driver.loadedModules = .present(["nvidia", "nvidia_vgpu_vfio"]) }, .vgpuHost,
            "Nothing"
        ),
    ]

    @Test(arguments: owned)
    func isNeitherReadyNorNotReady(_ facts: NodeFacts, _ reason: ReasonCode, _ words: String) throws {
        let report = try report(facts)
        #expect(report.verdict == .leftAlone && report.reason == reason)
        #expect(report.nextAction.contains(words))
        #expect(report.findings.map(\.state) == [.notApplicable])
        let plan = try Plan.made(for: facts)
        #expect(plan.steps.isEmpty && plan.obstacles.isEmpty)
        let publication = Publication.of(facts, plan, report, Policy())
        #expect(publication.taint == .absent)
        #expect(publication.labels["gpu-agent.dev/verdict"] == "left-alone")
    }

    /// The GPU Operator sets this label on every GPU node, even when its own driver is turned off.
    @Test func aFitDriverIsAdoptedUnderTheOperatorsLabel() throws {
        let facts = NodeFacts.h100.with {
            $0.driver = .loaded("580.126.09", .open, kind: .datacenter)
            $0.vendor = .answering("580.126.09", gpus: [.h100])
            $0.claims.nodeLabels = .present([OwnerLabel.gpuOperatorDriver: "true"])
        }
        #expect(try report(facts).verdict == .ready)
        let unfit = facts.with { $0.driver = .loaded("470.256.02", .open, kind: .datacenter) }
        #expect(try report(unfit).verdict == .leftAlone)
    }

    @Test func aBegunInstallIsFinishedUnderTheOperatorsLabel() throws {
        let facts = NodeFacts.h100.with {
            $0.driver = .loaded("595.71.05", .open, kind: .datacenter, record: .changing)
            $0.claims.nodeLabels = .present([OwnerLabel.gpuOperatorDriver: "true"])
        }
        #expect(try Plan.made(for: facts).decision.action == .install)
    }

    /// The facts when the API server does not answer: the current labels of the Node are unreadable, and the last ones
    /// are known.
    private func unreadable(_ facts: NodeFacts, last: [String: String]?) -> NodeFacts {
        facts.with {
            $0.claims.nodeLabels = .unreadable(ReadFailure(.io, "get node gpu-1: connection refused"))
            $0.claims.lastNodeLabels = last
        }
    }

    @Test(arguments: [nil, [:], [OwnerLabel.gpuOperatorDriver: "false"]] as [[String: String]?])
    func nothingIsInstalledWhileTheNodeCannotBeRead(_ last: [String: String]?) throws {
        let facts = unreadable(.h100, last: last)
        let plan = try Plan.made(for: facts)
        #expect(plan.steps.isEmpty && plan.decision.action == .blocked)
        let report = try report(facts)
        #expect(report.verdict == .waiting && report.reason == .ownershipUnknown)
        #expect(report.nextAction.contains("cluster: none"))
        let finding = try #require(report.finding(.ownershipUnknown))
        #expect(finding.state == .unknown && finding.observed.contains("connection refused"))
        #expect(Publication.of(facts, plan, report, Policy()).taint == .keep)
    }

    @Test func theLastKnownOwnerIsHonored() throws {
        for labels in [[OwnerLabel.gpuOperatorDriver: "true"], [OwnerLabel.gkeDriverVersion: "default"]] {
            #expect(try report(unreadable(.h100, last: labels)).verdict == .leftAlone)
        }
    }

    @Test func aBegunInstallWaitsForTheNodeToo() throws {
        let begun = NodeFacts.h100.with {
            $0.driver = .loaded("595.71.05", .open, kind: .datacenter, record: .changing)
        }
        #expect(try Plan.made(for: unreadable(begun, last: [:])).steps.isEmpty)
    }

    @Test func aWorkingDriverNeedsNoNode() throws {
        #expect(try report(unreadable(.h100Ready, last: nil)).verdict == .ready)
        let old = NodeFacts.h100.with {
            $0.driver = .loaded("470.256.02", .open, kind: .datacenter, record: .installed)
            $0.vendor = .answering("470.256.02", gpus: [.h100])
        }
        let report = try report(unreadable(old, last: [:]))
        #expect(report.verdict == .degraded && report.reason == .ownershipUnknown)
    }

    @Test func aNodeThatNobodyAskedAboutIsInstalledOn() throws {
        let facts = NodeFacts.h100.with { $0.claims.nodeLabels = .skipped("there is no cluster") }
        #expect(try Plan.made(for: facts).decision.action == .install)
    }

    @Test func itsOwnDriverIsNotGivenUpForALabel() throws {
        let facts = NodeFacts.h100Ready.with {
            $0.claims.nodeLabels = .present([OwnerLabel.gpuOperatorDriver: "true"])
        }
        #expect(try report(facts).verdict == .ready)
    }

    @Test func aGuestUnderMIGNeedsAStrategyThatHandsOutMIGDevices() throws {
        for strategy in [MIGStrategy.single, .mixed] {
            #expect(try report(.rtxProReady, strategy).finding(.migStrategyNone)?.state == .pass)
        }
        let bad = try report(.rtxProReady, .none)
        let finding = try #require(bad.finding(.migStrategyNone))
        #expect(finding.state == .failed && bad.verdict == .notReady)
        #expect(finding.observed.contains("DC-4-96Q") && finding.remedy.text.contains("Set mig.strategy to single"))
    }

    @Test func theSameHoldsWhereMIGWasTurnedOnByHand() throws {
        let facts = NodeFacts.h100Ready.withNVML {
            $0.gpus[0].migMode = .present(MIGMode(current: true, pending: true))
        }
        #expect(try report(facts, .none).finding(.migStrategyNone)?.state == .failed)
        #expect(try report(.h100Ready, .none).finding(.migStrategyNone) == nil)
    }

    @Test func namesTheFabricManagerWhereCUDAFailsOnGPUsThatNeedOne() throws {
        let failing = NodeFacts.h100Ready.with { facts in
            guard var vendor = facts.vendor.value else { return }
            let failed = CUDAFacts(
                visibleDevices: nil,
                result: 802,
                errorName: "CUDA_ERROR_SYSTEM_NOT_READY",
                deviceCount: 0
            )
            vendor.cuda = .present([failed])
            facts.vendor = .present(vendor)
        }
        let joined = failing.with { facts in
            var gpu = PCIFunction.h100
            gpu.id.device = 0x2330
            var nvSwitch = PCIFunction.h100.at(bus: 7)
            (nvSwitch.id.device, nvSwitch.classCode) = (0x22a3, 0x0680)
            facts.pci = .present([gpu, nvSwitch])
        }
        #expect(try report(joined).finding(.cudaFailed)?.remedy.text.contains("nvidia-fabricmanager") == true)
        #expect(try report(failing).finding(.cudaFailed)?.remedy.text.contains("nvidia-fabricmanager") == false)
    }

    @Test func aGuestWhoseHostGaveSomethingElseIsDegraded() throws {
        #expect(try report(.rtxProReady).finding(.guestMIGMismatch)?.state == .pass)
        var small = MIGDevice.wholeRTXPro
        small.profile = "1g.24gb"
        for devices in [[small], [.wholeRTXPro, small]] {
            let other = NodeFacts.rtxProReady.withNVML { $0.gpus[0].migDevices = .present(devices) }
            #expect(try report(other).finding(.guestMIGMismatch)?.state == .warning)
        }
        let off = NodeFacts.rtxProReady.withNVML { nvml in
            nvml.gpus[0].migMode = .present(MIGMode(current: false, pending: false))
            nvml.gpus[0].migDevices = .absent
        }
        #expect(try report(off).finding(.guestMIGMismatch)?.observed == "GPU 0: MIG mode is off")
        #expect(try report(.h100Ready).finding(.guestMIGMismatch) == nil)
    }

    @Test func saysWhatAGuestOnAzureShows() throws {
        let decision = try Plan.made(for: .rtxProVGPU).decision
        let guest = try #require(decision.guest.first)
        #expect(decision.guest.count == 1)
        #expect(guest.type == "NVIDIA RTX Pro 6000 Blackwell DC-4-96Q" && guest.mode == .migBacked)
        #expect(guest.migDevicesPerGPU == 1 && guest.migProfile == "4g.96gb")
        #expect(guest.license == "NVIDIA RTX Virtual Workstation")
        #expect(guest.unreadable == [.utilization, .temperature, .power])
        #expect(try Plan.made(for: .h100).decision.guest.isEmpty)
    }

    @Test func theProfileOfAGuestIsThatOfItsGPUInstance() throws {
        let catalog = try repositoryCatalog()
        for (device, subsystem, profile, devices) in [
            (0x2bb5, 0x2187, "4g.96gb", 1), (0x2bb5, 0x216f, "1g.24gb", 1), (0x2bb5, 0x217b, "2g.48gb", 1),
            (0x2bb5, 0x2178, "2g.48gb", 1), (0x2bb5, 0x21a3, nil, 0), (0x2330, 0x187f, "4g.40gb", 1),
            (0x2236, 0x14bf, nil, 0),
        ] as [(UInt16, UInt16, String?, Int)] {
            let type = try #require(catalog.vgpuTypes[VGPUTypeKey(device: device, subsystemDevice: subsystem)])
            let guest = try #require(GuestExpectations(type, in: catalog))
            #expect(guest.migProfile == profile, "\(type.name)")
            #expect(guest.migDevicesPerGPU == devices, "\(type.name)")
        }
    }
}
