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

    private func remedy(_ gpus: [PCIFunction], isVirtual: Bool = false, mmioGiB: Int? = nil) throws -> String {
        let facts = NodeFacts.h100.with { facts in
            facts.pci = .present(gpus)
            guard !isVirtual else { return }
            facts.host.hypervisor = .present(false)
            facts.host.dmi = .absent
        }
        let needs = mmioGiB.map { [PCIFunction.h100.id: $0] } ?? [:]
        let report = Checks(facts: facts, plan: try .made(for: facts), mmioGiB: needs).report()
        return try #require(report.finding(.gpuMemoryRegions)).remedy.text
    }

    private static func low(_ bar: Int, isAbove4G: Bool) -> MemoryRegion {
        MemoryRegion(bar: bar, size: 32 << 20, isAssigned: true, is64Bit: true, isAbove4G: isAbove4G)
    }

    private static let wide = MemoryRegion(
        bar: 1,
        size: 128 << 30,
        isAssigned: false,
        is64Bit: true,
        isAbove4G: false
    )

    /// "Above 4G Decoding" is off only if no region is above 4 GiB.
    @Test func theRemedyDependsOnWhereTheOtherRegionsAre() throws {
        let registers = MemoryRegion(bar: 0, size: 16 << 20, isAssigned: true, is64Bit: false, isAbove4G: false)
        let off = try remedy([gpu(0, [registers, Self.wide, Self.low(3, isAbove4G: false)])])
        #expect(off.hasPrefix(#"Turn on "Above 4G Decoding""#) && off.contains("It is off"))
        let small = try remedy([gpu(0, [registers, Self.wide, Self.low(3, isAbove4G: true)])])
        #expect(small.hasPrefix("Enlarge the window") && small.contains("pci=realloc"))
        // Another GPU shows that it is on.
        let other = try remedy([
            gpu(0, [registers, Self.wide, Self.low(3, isAbove4G: false)]),
            gpu(1, [registers, Self.low(3, isAbove4G: true)]),
        ])
        #expect(other.hasPrefix("Enlarge the window"))
        let unknown = try remedy([gpu(0, [Self.registers, Self.unassigned])])
        #expect(unknown.hasPrefix(#"Turn on "Above 4G Decoding""#) && !unknown.contains("It is off"))
    }

    @Test func virtualFunctionsThatTakeAPartAreNamed() throws {
        var function = gpu(0, [Self.registers, Self.wide])
        function.sriovVFs = .present(16)
        #expect(try remedy([function]).contains("16 virtual functions of 0001:00:00.0 take a part of the window."))
        function.sriovVFs = .present(0)
        #expect(try !remedy([function]).contains("virtual function"))
    }

    /// The need of all GPUs counts, and not only what is missing.
    @Test func aVirtualMachineNeedsWhatNVIDIANames() throws {
        let gpus = [gpu(0, [Self.registers, Self.window]), gpu(1, [Self.registers, Self.unassigned])]
        let known = try remedy(gpus, isVirtual: true, mmioGiB: 256)
        #expect(known.contains("64-bit MMIO space: 2 GPUs of this kind need 512 GiB."))
        let little = try remedy(gpus, isVirtual: true, mmioGiB: 8)
        #expect(little.contains("64-bit MMIO space: these regions need 128 GiB."))
        #expect(try remedy(gpus, isVirtual: true).contains("64-bit MMIO space: these regions need 128 GiB."))
    }

    /// The kernel shows no region for a window to which it gave no addresses.
    @Test func aDroppedWindowCountsOnAGPUThatNeedsOne() throws {
        let small = MemoryRegion(bar: 3, size: 32 << 20, isAssigned: true)
        var facts = NodeFacts.h100Ready.with { facts in
            facts.pci = .present([gpu(0, [Self.registers, small])])
            facts.vendor = .answering("595.71.05", gpus: [])
        }
        func found(_ mmioGiB: [PCIID: Int]) throws -> Finding? {
            Checks(facts: facts, plan: try .made(for: facts), mmioGiB: mmioGiB).report().finding(.gpuMemoryRegions)
        }
        let finding = try #require(try found([PCIFunction.h100.id: 256]))
        #expect(finding.observed == "0001:00:00.0: no addresses for the window to its memory")
        #expect(finding.remedy.text.contains("1 GPU of this kind needs 256 GiB."))
        #expect(try found([:]) == nil)
        facts.vendor = .answering("595.71.05", gpus: [.h100])
        #expect(try found([PCIFunction.h100.id: 256]) == nil)
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
