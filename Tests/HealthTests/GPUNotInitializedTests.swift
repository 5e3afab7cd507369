import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport
import Testing

/// The kernel log says why a GPU that is on the bus is not in NVML.
@Suite struct GPUNotInitializedTests {
    struct Case: Sendable, CustomTestStringConvertible {
        /// What the kernel log says about the GPU 0001:09:00.0.
        var lines: [String]
        /// What the finding names; nil when the kernel log explains nothing.
        var cause: String?
        /// The beginning of the remedy.
        var remedy: String

        var testDescription: String { lines.first ?? "no line" }

        init(_ lines: String..., cause: String?, remedy: String = "") {
            (self.lines, self.cause, self.remedy) = (lines, cause, remedy)
        }
    }

    private static let failed = "NVRM: GPU 0001:09:00.0: RmInitAdapter failed! (0x22:0x56:884)"

    /// The words are those of NVIDIA's driver and of the kernel, from public reports with the address changed.
    static let cases: [Case] = [
        Case(
            "NVRM: The NVIDIA GPU 0001:09:00.0 (PCI ID: 10de:2c58) installed in this system requires use of the NVIDIA "
                + "open kernel modules.",
            failed,
            cause: "the GPU needs open kernel modules, and those of the driver are proprietary",
            remedy: "Remove the driver"
        ),
        Case(
            "NVRM: The NVIDIA GPU 0001:09:00.0 (PCI ID: 10de:1db4) installed in this system is not supported by open "
                + "nvidia.ko because it does not include the required GPU System Processor (GSP).",
            cause: "the open kernel modules do not support the GPU",
            remedy: "Remove the driver"
        ),
        Case(
            "NVRM: The NVIDIA GPU 0001:09:00.0 (PCI ID: 10de:2bb5) installed in this system is not supported by the "
                + "NVIDIA 550.144.03 driver release.",
            cause: "this version of the driver does not support the GPU",
            remedy: "Remove the driver"
        ),
        Case(
            "NVRM: GPU 0001:09:00.0: GPU does not have the necessary power cables connected.",
            "NVRM: GPU 0001:09:00.0: RmInitAdapter failed! (0x24:0x1c:1603)",
            cause: "the power cables of the GPU are not connected",
            remedy: "Power the node off, connect the power cables"
        ),
        Case(
            "NVRM: This PCI I/O region assigned to your NVIDIA device is invalid: BAR1 is 0M @ 0x0 (PCI:0001:09:00.0)",
            "NVRM: GPU 0001:09:00.0: RmInitAdapter failed! (0x24:0x72:1447)",
            cause: "the GPU has no addresses for a memory region (BAR)",
            remedy: "Give the virtual machine more 64-bit MMIO space"
        ),
        Case(
            "pci 0001:09:00.0: BAR 1 [mem size 0x400000000 64bit pref]: can't assign; no space",
            cause: "the GPU has no addresses for a memory region (BAR)",
            remedy: "Give the virtual machine more 64-bit MMIO space"
        ),
        // The words of kernels before 6.7. From BAR 7 on, these are the regions of virtual functions.
        Case(
            "pci 0001:09:00.0: BAR 1: no space for [mem size 0x400000000 64bit pref]",
            cause: "the GPU has no addresses for a memory region (BAR)",
            remedy: "Give the virtual machine more 64-bit MMIO space"
        ),
        Case("pci 0001:09:00.0: BAR 9: no space for [mem size 0x400000000 64bit pref]", cause: nil),
        Case(
            "NVRM: request_mem_region failed for 16M @ 0xf6000000. This can occur when a driver such as rivatv is loaded "
                + "and claims ownership of the device's registers.; nvidia: probe of 0001:09:00.0 failed with error -1",
            cause: "another driver claimed the registers of the GPU",
            remedy: "Find the driver of the GPU's addresses in /proc/iomem"
        ),
        Case(
            "nvidia 0001:09:00.0: Direct firmware load for nvidia/565.57.01/gsp_tu10x.bin failed with error -2",
            "NVRM: RmInitAdapter: Cannot initialize GSP firmware RM; "
                + "NVRM: GPU 0001:09:00.0: RmInitAdapter failed! (0x61:0x56:1697)",
            cause: "a firmware file of the driver is missing",
            remedy: "Install the firmware of the driver 595.71.05 in /lib/firmware/nvidia"
        ),
        Case(
            "NVRM: RmInitAdapter: Cannot initialize GSP firmware RM; "
                + "NVRM: GPU 0001:09:00.0: RmInitAdapter failed! (0x62:0x65:1792)",
            cause: "the driver failed to initialize the GPU",
            remedy: "Power the node off and on"
        ),
        Case("NVRM: Xid (PCI:0001:09:00): 79, pid=4711, GPU has fallen off the bus.", cause: nil),
        Case(cause: nil),
    ]

    private func facts(_ lines: [String]) -> NodeFacts {
        NodeFacts.h100Ready.with { facts in
            facts.pci = .present([.h100, .h100.at(bus: 9)])
            facts.kernelLog = .present(lines)
        }
    }

    @Test(arguments: cases)
    func theCauseIsNamed(_ row: Case) throws {
        let report = try NodeReport.made(for: facts(row.lines))
        let finding = report.finding(.gpuNotInitialized)
        let remark = row.lines.isEmpty ? "" : " (kernel log: \(row.lines.joined(separator: "; ")))"
        #expect(finding?.observed == row.cause.map { "0001:09:00.0: \($0)\(remark)" })
        #expect(finding?.remedy.text.hasPrefix(row.remedy) ?? true)
        #expect(finding?.state == row.cause.map { _ in .warning })
        // One finding explains the missing GPU, and the other one quotes what is not understood.
        let count = report.finding(.gpuCount)
        #expect(count?.state == (row.cause == nil ? .warning : nil))
        if row.cause == nil { #expect(count?.observed == "1 of 2, missing: 0001:09:00.0\(remark)") }
    }

    @Test func theOnlyGPUIsNotReadyForOneReason() throws {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.vendor = .answering("595.71.05", gpus: [])
            facts.kernelLog = .present(["NVRM: GPU 0001:00:00.0: RmInitAdapter failed! (0x24:0x72:1568)"])
        }
        let report = try NodeReport.made(for: facts)
        #expect(report.verdict == .notReady && report.reason == .gpuNotInitialized)
        #expect(report.finding(.gpuCount) == nil && report.finding(.gpuUnreadable) == nil)
    }

    /// The kernel can find addresses in its second attempt.
    @Test func regionsWithAddressesAreNoCause() throws {
        let lines = [
            "pci 0001:09:00.0: BAR 1 [mem size 0x2000000000 64bit pref]: can't assign; no space", Self.failed,
        ]
        let facts = facts(lines).with { facts in
            var gpu = PCIFunction.h100.at(bus: 9)
            gpu.memoryRegions = .present([
                MemoryRegion(bar: 0, size: 16 << 20, isAssigned: true),
                MemoryRegion(bar: 1, size: 128 << 30, isAssigned: true),
            ])
            facts.pci = .present([.h100, gpu])
        }
        let finding = try NodeReport.made(for: facts).finding(.gpuNotInitialized)
        #expect(finding?.observed.contains("the driver failed to initialize the GPU") == true)
    }

    @Test func aGPUWithoutRegionsHasItsOwnFinding() throws {
        let facts = facts([Self.failed]).with { facts in
            var gpu = PCIFunction.h100.at(bus: 9)
            gpu.memoryRegions = .present([MemoryRegion(bar: 1, size: 128 << 30, isAssigned: false)])
            facts.pci = .present([.h100, gpu])
        }
        let report = try NodeReport.made(for: facts)
        #expect(report.finding(.gpuMemoryRegions)?.observed.contains("RmInitAdapter failed!") == true)
        #expect(report.finding(.gpuNotInitialized) == nil)
    }

    /// A vGPU has no firmware of its own and cannot be put into another machine.
    @Test func aVGPUDependsOnItsHost() throws {
        let facts = NodeFacts.rtxProReady.with { facts in
            facts.vendor = .answering("595.91.07", gpus: [])
            facts.kernelLog = .present(["NVRM: GPU 0001:00:00.0: RmInitAdapter failed! (0x24:0x72:1568)"])
        }
        let report = Checks(facts: facts, plan: .adoptedRTXPro).report()
        #expect(report.finding(.gpuNotInitialized)?.remedy.text.contains("vGPU manager of the host") == true)
    }
}
