import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport
import Testing

@Suite struct GPUMemoryRegionsTests {
    private static let registers = MemoryRegion(bar: 0, size: 16 << 20, isAssigned: true)
    private static let window = MemoryRegion(bar: 1, size: 128 << 30, isAssigned: true)
    private static var unassigned: MemoryRegion {
        var region = window
        region.isAssigned = false
        return region
    }

    private func gpu(_ bus: UInt8, _ regions: [MemoryRegion]?) -> PCIFunction {
        var function = PCIFunction.h100.at(bus: bus)
        function.memoryRegions = regions.map { .present($0) }
        return function
    }

    private func finding(_ facts: NodeFacts) throws -> Finding? {
        try NodeReport.made(for: facts).finding(.gpuMemoryRegions)
    }

    @Test func aGPUWithItsRegionsHasNoFinding() throws {
        let facts = NodeFacts.h100.with { $0.pci = .present([gpu(0, [Self.registers, Self.window])]) }
        #expect(try finding(facts) == nil)
    }

    /// The window of an H100 is BAR 2, because its BAR 0 has 64 bits.
    @Test func aGPUWithoutBAR1IsNoSign() throws {
        let window = MemoryRegion(bar: 2, size: 128 << 30, isAssigned: true)
        let facts = NodeFacts.h100Ready.with { facts in
            facts.pci = .present([gpu(0, [Self.registers, window])])
            facts.vendor = .answering("595.71.05", gpus: [])
        }
        #expect(try finding(facts) == nil)
    }

    @Test func aKernelThatShowsNoRegionsProvesNothing() throws {
        #expect(try finding(NodeFacts.h100.with { $0.pci = .present([gpu(0, nil)]) }) == nil)
    }

    @Test func aRegionWithoutAddressesIsNamedBeforeADriverIsInstalled() throws {
        let facts = NodeFacts.h100.with { $0.pci = .present([gpu(0, [Self.registers, Self.unassigned])]) }
        let report = try NodeReport.made(for: facts)
        let found = try #require(report.finding(.gpuMemoryRegions))
        #expect(found.state == .failed)
        #expect(found.observed == "0001:00:00.0: no addresses for BAR 1 (128 GiB)")
        #expect(found.remedy.text.contains("64-bit MMIO space: these regions need 128 GiB."))
    }

    @Test func aPhysicalMachineHasASettingOfItsFirmware() throws {
        let facts = NodeFacts.h100.with { facts in
            facts.pci = .present([gpu(0, [Self.registers, Self.unassigned])])
            facts.host.hypervisor = .present(false)
            facts.host.dmi = .absent
        }
        #expect(try finding(facts)?.remedy.text.hasPrefix(#"Turn on "Above 4G Decoding""#) == true)
    }

    @Test func oneGPUOfTwoIsAWarning() throws {
        let facts = NodeFacts.h100.with { facts in
            facts.pci = .present([
                gpu(0, [Self.registers, Self.window]), gpu(1, [Self.registers, Self.unassigned]),
            ])
        }
        #expect(try finding(facts)?.state == .warning)
    }

    /// The kernel takes a region away when it finds no addresses for it.
    ///
    /// The GPU that NVML lists works without it.
    @Test func aMissingRegionCountsOnlyOnAGPUThatNVMLDoesNotList() throws {
        var facts = NodeFacts.h100Ready.with { $0.pci = .present([gpu(0, [Self.window])]) }
        #expect(try finding(facts) == nil)
        facts.vendor = .answering("595.71.05", gpus: [])
        #expect(try finding(facts)?.observed == "0001:00:00.0: no addresses for BAR 0")
        facts.vendor = .absent
        #expect(try finding(facts) == nil)
    }

    /// The driver cannot answer for a GPU that it cannot initialize.
    @Test func theErrorOfNVMLIsItsConsequence() throws {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.pci = .present([gpu(0, [Self.registers, Self.unassigned])])
            facts.vendor = .present(
                VendorFacts(
                    nvml: .unreadable(ReadFailure(.vendor, "nvmlInit_v2: 999 NVML_ERROR_UNKNOWN")),
                    cuda: .absent
                )
            )
        }
        let report = try NodeReport.made(for: facts)
        #expect(report.reason == .gpuMemoryRegions)
        #expect(report.finding(.nvmlUnavailable) == nil)
    }
}
