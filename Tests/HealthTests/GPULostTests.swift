import CoreSupport
import Health
import NodeModel
import Planning
import Selection
import TestSupport
import Testing

/// A GPU that fell off the bus does not make the agent forget the others.
@Suite struct GPULostTests {
    private func lost(_ function: PCIFunction) -> PCIFunction {
        var function = function
        function.vgpuCapability = .unreadable(PCIFunction.noAnswer)
        return function
    }

    @Test func oneOfTwoDegradesTheNodeAndIsNamed() throws {
        let facts = NodeFacts.h100Ready.with { $0.pci = .present([.h100.at(bus: 0), lost(.h100.at(bus: 1))]) }
        let report = try NodeReport.made(for: facts)
        #expect(report.verdict == .degraded && report.reason == .gpuLost)
        #expect(report.finding(.gpuLost)?.observed == "1 GPU of 2 does not answer: 0001:01:00.0")
        #expect(!report.nextAction.contains("as root"))
        #expect(report.finding(.gpuCount)?.state == .pass)
    }

    /// The subsystem ID of a lost GPU can be missing, and its configuration space shows no capability.
    @Test func aDriverIsChosenForTheOthers() throws {
        var unidentified = lost(.h100.at(bus: 1))
        unidentified.subsystem = .absent
        let plan = try Plan.made(for: NodeFacts.h100.with { $0.pci = .present([.h100.at(bus: 0), unidentified]) })
        #expect(plan.decision.action == .install && plan.decision.gpus.map(\.bus) == [0])
    }

    @Test func theKernelLogIsShown() throws {
        let line = "NVRM: Xid (PCI:0001:01:00): 79, pid=4711, GPU has fallen off the bus."
        let one = NodeFacts.h100Ready.with { facts in
            facts.pci = .present([.h100.at(bus: 0), lost(.h100.at(bus: 1))])
            facts.kernelLog = .present([line, "NVRM: Xid (PCI:0001:05:00): 31, about another GPU"])
        }
        #expect(
            try NodeReport.made(for: one).finding(.gpuLost)?.observed
                == "1 GPU of 2 does not answer: 0001:01:00.0 (kernel log: \(line))"
        )
        let only = NodeFacts.h100.with { facts in
            facts.pci = .present([lost(.h100.at(bus: 1))])
            facts.kernelLog = .present([line])
        }
        #expect(try NodeReport.made(for: only).finding(.gpuLost)?.observed.hasSuffix(" (kernel log: \(line))") == true)
    }

    @Test func aGPUWithoutAHandleIsOneThatNVMLDoesNotName() {
        let answering = (0..<3).map { PCIFunction.h100.at(bus: UInt8($0)) }
        let facts = NodeFacts.h100Ready.with { facts in
            facts.pci = .present(answering)
            facts.vendor = .answering("595.71.05", gpus: [.h100.at(index: 0), .h100.at(index: 2), .lost(index: 1)])
        }
        #expect(facts.failingGPUs.map(\.bus) == [1])
        #expect(NodeFacts.h100Ready.failingGPUs.isEmpty)
    }

    /// So the kernel log is asked about it.
    @Test func aGPUThatNVMLDoesNotListFails() {
        let facts = NodeFacts.h100Ready.with { $0.pci = .present([.h100, .h100.at(bus: 9)]) }
        #expect(facts.failingGPUs.map(\.bus) == [9])
        #expect(facts.with { $0.vendor = .absent }.failingGPUs.isEmpty)
        let held = facts.with { facts in
            var other = PCIFunction.h100.at(bus: 9)
            other.kernelDriver = .present("vfio-pci")
            var function = PCIFunction.h100.at(bus: 10)
            function.physicalFunction = .present(PCIFunction.h100.address)
            facts.pci = .present([.h100, other, function])
        }
        #expect(held.failingGPUs.isEmpty)
    }

    @Test func theOnlyOneIsNotReady() throws {
        let report = try NodeReport.made(for: NodeFacts.h100.with { $0.pci = .present([lost(.h100)]) })
        #expect(report.verdict == .notReady && report.reason == .gpuLost)
        #expect(report.nextAction.contains("Xid 79") && !report.nextAction.contains("as root"))
    }

    @Test func aVirtualFunctionIsNotLost() {
        var function = lost(.h100)
        function.physicalFunction = .present(PCIFunction.h100.address)
        #expect(!function.isLost)
    }

    @Test func rootIsNotToldToRunAsRoot() throws {
        let broken = UnidentifiedFunction(
            address: PCIFunction.h100.address,
            failure: ReadFailure(.malformed, "vendor reads as ffff")
        )
        let alone = try NodeReport.made(for: NodeFacts.noGPU.with { $0.unidentified = [broken] })
        #expect(alone.verdict == .unknown && !alone.nextAction.contains("as root"))
        // A vGPU without its subsystem ID, whose capability list is broken.
        let undetermined = NodeFacts.rtxProVGPU.withGPU {
            $0.subsystem = .absent
            $0.vgpuCapability = .unreadable(ReadFailure(.malformed, "the capability list loops back to 0x40"))
        }
        let report = try NodeReport.made(for: undetermined)
        #expect(report.reason == .pciUnreadable && !report.nextAction.contains("as root"))
    }
}
