import Catalog
import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport
import Testing

/// A GPU works with a smaller window to its memory than it could have.
@Suite struct GPUMemoryWindowSmallTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Nil when the check does not concern the node, and empty when it passes.
        var observed: String?
        var mmioGiB: Int?
        var facts: NodeFacts

        init(
            _ name: String,
            _ observed: String?,
            _ window: MemoryRegion,
            mmioGiB: Int? = nil,
            _ change: (inout NodeFacts) -> Void = { _ in }
        ) {
            (testDescription, self.observed, self.mmioGiB) = (name, observed, mmioGiB)
            let registers = MemoryRegion(bar: 0, size: 16 << 20, isAssigned: true)
            facts = NodeFacts.h100Ready.withGPU { $0.memoryRegions = .present([registers, window]) }.with(change)
        }
    }

    private static func window(_ size: Int, _ sizesMiB: [Int]? = nil) -> MemoryRegion {
        MemoryRegion(bar: 1, size: size, isAssigned: true, sizesMiB: sizesMiB)
    }

    static let cases: [Case] = [
        Case("nothing says that it could be larger", "", window(256 << 20)),
        Case("the largest size", "", window(256 << 20, [64, 128, 256])),
        Case(
            "a resizable BAR",
            "0001:00:00.0: BAR 1 (256 MiB) can have 128 GiB",
            window(256 << 20, [64, 256, 131_072])
        ),
        Case("a window to the whole memory", "", window(128 << 30, [131_072, 262_144])),
        Case(
            "far smaller than the need",
            "0001:00:00.0: BAR 1 (256 MiB) is small for a GPU that needs an MMIO space of 256 GiB",
            window(256 << 20),
            mmioGiB: 256
        ),
        // NVIDIA names 64 GiB for a V100, whose window can have 16 GiB.
        Case("a quarter of the need", "", window(16 << 30), mmioGiB: 64),
        Case(
            "less than a quarter of the need",
            "0001:00:00.0: BAR 1 (8 GiB) is small for a GPU that needs an MMIO space of 64 GiB",
            window(8 << 30),
            mmioGiB: 64
        ),
        Case("no window", nil, window(32 << 20), mmioGiB: 256),
        Case("a vGPU", nil, window(256 << 20), mmioGiB: 256) { facts in
            facts = facts.withGPU {
                $0.vgpuCapability = .present(VGPUCapability(hostDriverVersion: nil, hostDriverBranch: nil))
            }
        },
        Case("a GPU that another driver holds", nil, window(256 << 20), mmioGiB: 256) { facts in
            facts = facts.withGPU { $0.kernelDriver = .present("vfio-pci") }
        },
    ]

    @Test(arguments: cases)
    func isANotice(_ row: Case) {
        let needs = row.mmioGiB.map { [PCIFunction.h100.id: $0] } ?? [:]
        let report = Checks(facts: row.facts, plan: .adoptedH100, mmioGiB: needs).report()
        let finding = report.finding(.gpuMemoryWindowSmall)
        #expect(finding?.state == (row.observed?.isEmpty ?? true ? nil : .notice))
        if let observed = row.observed, !observed.isEmpty { #expect(finding?.observed == observed) }
    }

    @Test func theRemedyIsThatOfTheMachine() {
        let small = Case("", "", Self.window(256 << 20), mmioGiB: 256).facts
        let needs = [PCIFunction.h100.id: 256]
        let virtual = small.with { $0.host.hypervisor = .present(true) }
        let guest = Checks(facts: virtual, plan: .adoptedH100, mmioGiB: needs).report()
        #expect(guest.finding(.gpuMemoryWindowSmall)?.remedy.text.contains("on the host") == true)
        let physical = small.with {
            $0.host.hypervisor = .present(false)
            $0.host.dmi = .absent
        }
        let report = Checks(facts: physical, plan: .adoptedH100, mmioGiB: needs).report()
        #expect(report.finding(.gpuMemoryWindowSmall)?.remedy.text.contains(#""Resizable BAR""#) == true)
        #expect(report.finding(.gpuMemoryWindowSmall)?.remedy.text.contains("Display Mode Selector") == true)
    }

    /// NVIDIA's table has no GPU that every machine would be told about.
    @Test func theCatalogHasTheNeeds() throws {
        let needs = try repositoryCatalog().mmioGiB
        #expect(needs[PCIID(vendor: 0x10de, device: 0x2321)] == 256)
        #expect(needs[PCIID(vendor: 0x10de, device: 0x1eb8)] == nil)
    }
}
