import Catalog
import FoundationEssentials
import Health
import NodeModel
import Support
import Synchronization
import TestSupport
import Testing

@testable import Agent

@Suite(.timeLimit(.minutes(1))) struct VerificationTests {
    /// Inspections that return a list of nodes one after the other, and then repeat the last node.
    private final class Looks: Sendable {
        private let rest: Mutex<[NodeFacts]>
        private let taken = Mutex(0)
        private let setup: Setup

        init(_ facts: NodeFacts...) throws {
            rest = Mutex(facts)
            let catalog = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "catalog").path
            setup = try Setup.load(Settings(hostPID: nil, catalogDirectory: catalog))
        }

        var count: Int { taken.withLock { $0 } }

        func look() async -> NodeView {
            taken.withLock { $0 += 1 }
            let facts = rest.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? .noGPU }
            return NodeView(setup, facts: facts, journal: nil)
        }
    }

    private static let withoutUVM = NodeFacts.h100Ready.with {
        $0.driver.deviceNodes = .present(["nvidia0", "nvidiactl"])
    }

    @Test func asksNoMoreOnceTheNodeIsGood() async throws {
        let looks = try Looks(.h100Ready)
        #expect(await Verification(look: looks.look).problem(within: .seconds(60)) == nil)
        #expect(looks.count == 1)
    }

    /// Device nodes appear some time after the module is loaded.
    @Test func waitsForANodeThatBecomesGood() async throws {
        let looks = try Looks(Self.withoutUVM, Self.withoutUVM, .h100Ready)
        #expect(await Verification(look: looks.look).problem(within: .seconds(60)) == nil)
        #expect(looks.count == 3)
    }

    @Test func givesUpWhenItsPatienceOrTheDeadlineEnds() async throws {
        for (patience, deadline) in [(Duration.zero, Duration.seconds(60)), (.seconds(60), .zero)] {
            let looks = try Looks(Self.withoutUVM)
            let verification = Verification(look: looks.look, patience: patience)
            #expect(await verification.problem(within: deadline)?.code == .deviceNodesMissing)
            #expect(looks.count == 1)
        }
    }

    /// NVML's first answer can take longer than the patience.
    @Test func looksAgainAfterASlowFirstLook() async throws {
        let looks = try Looks(Self.withoutUVM, .h100Ready)
        let slow: @Sendable () async -> NodeView = {
            if looks.count == 0 { try? await Task.sleep(for: .milliseconds(300)) }
            return await looks.look()
        }
        let verification = Verification(look: slow, patience: .milliseconds(100))
        #expect(await verification.problem(within: .seconds(60)) == nil)
    }

    /// Until the fabric manager has connected the GPUs, CUDA answers 802.
    @Test func waitsLongerForTheFabric() async throws {
        let starting = NodeFacts.hgxH100(.runningFabricManager, cuda: 802)
        for (patience, expected) in [(Duration.seconds(60), nil), (.zero, ReasonCode.cudaFailed)] {
            let looks = try Looks(starting, starting, .hgxH100(.runningFabricManager))
            let verification = Verification(look: looks.look, patience: .zero, patienceWithFabric: patience)
            #expect(await verification.problem(within: .seconds(60))?.code == expected)
        }
        // Without an NVSwitch, the same answer means something else.
        let alone = try Looks(.hgxH100(.runningFabricManager, cuda: 802, switches: 0))
        let verification = Verification(look: alone.look, patience: .zero)
        #expect(await verification.problem(within: .seconds(60))?.code == .cudaFailed)
        #expect(alone.count == 1)
    }

    /// An error that a GPU had before says nothing about the new driver.
    @Test func anErrorOfAGPUIsNotAFailureOfTheDriver() async throws {
        var history = GPUHistory()
        let lost = DriverMessage.xid(119, PCIFunction.h100.address, text: "Timeout")
        history.add(.init(sequence: 1, microseconds: 0, message: lost), boot: "a", at: Timestamp(1))
        let facts = NodeFacts.h100Ready.with { facts in
            facts.gpuEvents = .present(GPUEventFacts(history: history, boot: "a", at: Timestamp(2)))
        }
        let looks = try Looks(facts)
        #expect(await looks.look().report.reason == .xidGPUReset)
        #expect(await Verification(look: looks.look).problem(within: .zero) == nil)
    }

    /// The new driver must not be taken back because the host has no Vulkan loader.
    @Test func vulkanSaysNothingAboutTheDriver() async throws {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.vendor = facts.vendor.map { vendor in
                var vendor = vendor
                vendor.vulkan = .present(VulkanFacts(result: -9, failedCall: "vkCreateInstance"))
                return vendor
            }
        }
        let looks = try Looks(facts)
        #expect(await looks.look().report.reason == .vulkanDriverFileMissing)
        #expect(await Verification(look: looks.look).problem(within: .zero) == nil)
    }

    @Test func endsAtOnceWhenItIsCancelled() async throws {
        let looks = try Looks(Self.withoutUVM)
        let task = Task { await Verification(look: looks.look, patience: .seconds(600)).problem(within: .seconds(600)) }
        while looks.count == 0 { try await Task.sleep(for: .milliseconds(5)) }
        task.cancel()
        #expect(await task.value?.code == .deviceNodesMissing)
    }

    /// The operator changes the MIG layout, and a driver that works is not a failed install.
    @Test func takesANodeWithAnUnfitMIGLayout() async throws {
        let facts = NodeFacts.rtxProReady.with { facts in
            var other = MIGDevice.wholeRTXPro
            (other.uuid, other.profile) = ("MIG-2", "1g.24gb")
            var gpu = GPUFacts.rtxProVGPU
            gpu.migDevices = .present([.wholeRTXPro, other])
            facts.vendor = .answering("595.91.07", gpus: [gpu])
        }
        let looks = try Looks(facts)
        #expect(await looks.look().report.reason == .migLayoutInvalid)
        #expect(await Verification(look: looks.look, patience: .zero).problem(within: .zero) == nil)
    }

    /// A license comes later, and its server says nothing about the driver.
    @Test func takesANodeWithoutALicense() async throws {
        let unlicensed = NodeFacts.rtxProReady.withNVML {
            $0.gpus[0].license = .present(LicenseFacts(licensed: false, product: nil))
        }
        let looks = try Looks(unlicensed)
        #expect(await looks.look().report.verdict == .notReady)
        #expect(await Verification(look: looks.look, patience: .zero).problem(within: .zero) == nil)
    }
}
