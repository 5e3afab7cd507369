import CoreSupport
import NodeModel
import Reporting
import Selection
import TestSupport
import Testing

/// Decisions that depend on the PCI bus, the machine and the configuration, on a host without a driver.
@Suite struct SelectionHardwareTests {
    static let scenarios: [SelectionCase] = [
        SelectionCase("vGPU of an RTX PRO 6000", .rtxProVGPU, .install(Driver.grid595)),
        SelectionCase("H100 passed through", .h100, .install(Driver.datacenter595)),
        SelectionCase("no GPU", .noGPU, .idle),
        SelectionCase("unknown GPU", .unknownGPU, .blocked(.unknownGPU)),
    ]

    static let identities: [SelectionCase] = [
        .gpu("NVIDIA as subsystem vendor of a vGPU", .rtxProVGPU, .install(Driver.grid595)) {
            $0.subsystem = .present(PCIID(vendor: 0x10de, device: 0x2187))
        },
        .gpu("any other subsystem vendor of a vGPU", .rtxProVGPU, .install(Driver.grid595)) {
            $0.subsystem = .present(PCIID(vendor: 0xffff, device: 0x2187))
        },
        .gpu("another vGPU type", .rtxProVGPU, .install(Driver.grid595)) {
            $0.subsystem = .present(PCIID(vendor: 0x1414, device: 0x21a3))
        },
        .gpu("known pair without the capability", .rtxProVGPU, .install(Driver.grid595)) {
            $0.vgpuCapability = .absent
        },
        .gpu("known pair, capability not readable", .rtxProVGPU, .install(Driver.grid595)) {
            $0.vgpuCapability = .unreadable(.denied)
        },
        .gpu("capability with an unknown pair", .rtxProVGPU, .blocked(.unknownVGPUType)) {
            $0.subsystem = .present(PCIID(vendor: 0x1414, device: 0x2fff))
        },
        .gpu("empty capability with an unknown pair", .rtxProVGPU, .blocked(.unknownVGPUType)) {
            $0.subsystem = .present(PCIID(vendor: 0x1414, device: 0x2fff))
            $0.vgpuCapability = VGPUCapability.host(nil)
        },
        .gpu("capability, subsystem not readable", .rtxProVGPU, .blocked(.unknownVGPUType)) {
            $0.subsystem = .unreadable(.denied)
        },
        .gpu("capability on a card that no catalog knows", .unknownGPU, .blocked(.unknownGPU)) {
            $0.vgpuCapability = VGPUCapability.host("595.58.03")
        },
        .gpu("physical board of the same card", .rtxProVGPU, .install(Driver.datacenter595)) {
            $0.subsystem = .present(PCIID(vendor: 0x10de, device: 0x204e))
            $0.vgpuCapability = .absent
        },
        .gpu("physical board, seen without root", .rtxProVGPU, .install(Driver.datacenter595)) {
            $0.subsystem = .present(PCIID(vendor: 0x10de, device: 0x204e))
            $0.vgpuCapability = .unreadable(.denied)
        },
        .gpu("board of another maker, where the cloud has vGPUs of the card", .rtxProVGPU, .blocked(.unknownVGPUType)) {
            $0.subsystem = .present(PCIID(vendor: 0x1028, device: 0x1234))
            $0.vgpuCapability = .absent
        },
        .gpu("board of another maker", .h100, .install(Driver.datacenter595)) {
            $0.subsystem = .present(PCIID(vendor: 0x1028, device: 0x1234))
            $0.vgpuCapability = .absent
        },
        .gpu("board of another maker, seen without root", .rtxProVGPU, .blocked(.pciUnreadable)) {
            $0.subsystem = .present(PCIID(vendor: 0x1028, device: 0x1234))
            $0.vgpuCapability = .unreadable(.denied)
        },
        .gpu("board of another maker, capability skipped", .h100, .blocked(.pciUnreadable)) {
            $0.subsystem = .present(PCIID(vendor: 0x1028, device: 0x1234))
            $0.vgpuCapability = .skipped("not asked")
        },
        .gpu("subsystem not readable", .rtxProVGPU, .blocked(.pciUnreadable)) {
            $0.subsystem = .unreadable(.denied)
            $0.vgpuCapability = .absent
        },
        .gpu("board without a subsystem", .h100, .install(Driver.datacenter595)) { $0.subsystem = .absent },
        .gpu("the vGPU's subsystem on another card", .h100, .install(Driver.datacenter595)) {
            $0.subsystem = .present(PCIID(vendor: 0x1414, device: 0x2187))
        },
        .gpu("capability on an unlisted board", .h100, .blocked(.unknownVGPUType)) {
            $0.subsystem = .present(PCIID(vendor: 0x1414, device: 0x1840))
            $0.vgpuCapability = VGPUCapability.host("595.58.03")
        },
        .gpu("Tesla T4", .h100, .install(Driver.datacenter595)) {
            $0.id.device = 0x1eb8
            $0.subsystem = .present(PCIID(vendor: 0x10de, device: 0x12a2))
        },
        .gpu("class 0300 is a GPU", .h100, .install(Driver.datacenter595)) { $0.classCode = 0x0300 },
        .gpu("class 0680 is none", .h100, .idle) { $0.classCode = 0x0680 },
        .gpu("class 0403 is none", .h100, .idle) { $0.classCode = 0x0403 },
        .gpu("another vendor's GPU", .h100, .idle) { $0.id.vendor = 0x1002 },
    ]

    static let several: [SelectionCase] = [
        SelectionCase("two same vGPUs", .rtxProVGPU, .install(Driver.grid595)) {
            $0.pci = .present([.rtxProVGPU, .rtxProVGPU.at(bus: 2)])
        },
        SelectionCase("two physical models", .h100, .install(Driver.datacenter595)) {
            var a100 = PCIFunction.h100.at(bus: 2)
            a100.id.device = 0x20b5
            $0.pci = .present([.h100, a100])
        },
        SelectionCase("GPU and its audio function", .h100, .install(Driver.datacenter595)) {
            var audio = PCIFunction.h100
            audio.address.function = 1
            audio.classCode = 0x0403
            audio.id.device = 0x22ba
            $0.pci = .present([.h100, audio])
        },
        SelectionCase("vGPU beside a physical GPU", .h100, .blocked(.mixedGPUs)) {
            $0.pci = .present([.h100, .rtxProVGPU.at(bus: 2)])
        },
        SelectionCase("known beside unknown", .h100, .blocked(.unknownGPU)) {
            $0.pci = .present([.h100, .unknownGPU.at(bus: 2)])
        },
    ]

    static let machines: [SelectionCase] = [
        SelectionCase("bus not readable", .h100, .blocked(.pciUnreadable)) { $0.pci = .unreadable(.denied) },
        SelectionCase("bus skipped", .h100, .blocked(.pciUnreadable)) { $0.pci = .skipped("not asked") },
        SelectionCase("no bus", .h100, .idle) { $0.pci = .absent },
        SelectionCase("architecture not readable", .h100, .blocked(.hostUnreadable)) {
            $0.host.architecture = .unreadable(.denied)
        },
        SelectionCase("architecture missing", .h100, .blocked(.hostUnreadable)) { $0.host.architecture = .absent },
        SelectionCase("aarch64", .h100, .blocked(.noDriverFits)) { $0.host.architecture = .present(.aarch64) },
        SelectionCase("vGPU on no known platform", .rtxProVGPU, .blocked(.noDriverFits)) { $0.host.dmi = .absent },
        SelectionCase("vGPU, DMI not readable", .rtxProVGPU, .blocked(.hostUnreadable)) {
            $0.host.dmi = .unreadable(.denied)
        },
        SelectionCase("vGPU on another cloud", .rtxProVGPU, .blocked(.noDriverFits)) {
            $0.host.dmi = .present(
                DMIFacts(systemVendor: "Amazon EC2", productName: "g6.xlarge", chassisAssetTag: nil)
            )
        },
        SelectionCase("vGPU on a Hyper-V that is not Azure", .rtxProVGPU, .blocked(.noDriverFits)) {
            var dmi = DMIFacts.azure
            dmi.chassisAssetTag = "none"
            $0.host.dmi = .present(dmi)
        },
        SelectionCase("H100 on no known platform", .h100, .install(Driver.datacenter595)) { $0.host.dmi = .absent },
        SelectionCase("nouveau is the plan's matter", .h100, .install(Driver.datacenter595)) {
            $0.driver.nouveauLoaded = .present(true)
        },
        SelectionCase("so is Secure Boot", .h100, .install(Driver.datacenter595)) {
            $0.host.secureBoot = .present(true)
        },
        SelectionCase("so is a kernel that cannot be read", .h100, .install(Driver.datacenter595)) {
            $0.host.kernelRelease = .unreadable(.denied)
        },
    ]

    static let vgpuReleases: [SelectionCase] = [
        .gpu("host of branch 580", .rtxProVGPU, .install(Driver.grid580)) {
            $0.vgpuCapability = VGPUCapability.host("580.82.02")
        },
        .gpu("host of a branch that no catalog knows", .rtxProVGPU, .install(Driver.grid595)) {
            $0.vgpuCapability = VGPUCapability.host("570.158.02")
        },
        .gpu("host's version makes no sense", .rtxProVGPU, .install(Driver.grid595)) {
            $0.vgpuCapability = VGPUCapability.host("latest")
        },
        SelectionCase("host of 595 takes 580 too", .rtxProVGPU, policy: Policy(branch: 580), .install(Driver.grid580)),
        SelectionCase("host of 580 takes no 595", .rtxProVGPU, policy: Policy(branch: 595), .blocked(.noDriverFits)) {
            var gpu = PCIFunction.rtxProVGPU
            gpu.vgpuCapability = VGPUCapability.host("580.82.02")
            $0.pci = .present([gpu])
        },
        SelectionCase("the oldest of two hosts counts", .rtxProVGPU, .install(Driver.grid580)) {
            var second = PCIFunction.rtxProVGPU.at(bus: 2)
            second.vgpuCapability = VGPUCapability.host("580.82.02")
            $0.pci = .present([.rtxProVGPU, second])
        },
    ]

    static let wishes: [SelectionCase] = [
        SelectionCase(
            "version that fits",
            .rtxProVGPU,
            policy: Policy(version: DriverVersion("580.105.08")),
            .install(Driver.grid580)
        ),
        SelectionCase(
            "version of the other kind",
            .h100,
            policy: Policy(version: DriverVersion("580.105.08")),
            .noDriver
        ),
        SelectionCase(
            "version in no catalog",
            .rtxProVGPU,
            policy: Policy(version: DriverVersion("580.105.8")),
            .noDriver
        ),
        SelectionCase("branch that fits", .h100, policy: Policy(branch: 580), .install(Driver.datacenter580)),
        SelectionCase("branch in no catalog", .h100, policy: Policy(branch: 570), .noDriver),
        SelectionCase(
            "version and branch",
            .h100,
            policy: Policy(version: DriverVersion("580.159.04"), branch: 580),
            .install(Driver.datacenter580)
        ),
        SelectionCase(
            "kernelModuleType that the GPU can take",
            .h100,
            policy: Policy(kernelModuleType: .proprietary),
            .install("datacenter driver 595.71.05 with proprietary kernel modules")
        ),
        SelectionCase(
            "kernelModuleType that it cannot",
            .rtxProVGPU,
            policy: Policy(kernelModuleType: .proprietary),
            .noDriver
        ),
        SelectionCase(
            "the kernelModuleType it takes anyway",
            .rtxProVGPU,
            policy: Policy(kernelModuleType: .open),
            .install(Driver.grid595)
        ),
    ]

    @Test(arguments: scenarios + identities + several + machines + vgpuReleases + wishes)
    func decides(_ row: SelectionCase) throws {
        let decision = row.decide(try fourDriverCatalog())
        #expect(SelectionCase.Expected(decision) == row.expected)
        #expect(decision.problems.isEmpty == (decision.action != .blocked))
        #expect(!decision.summary.isEmpty && (decision.action == .blocked || !decision.evidence.isEmpty))
    }
}

extension SelectionCase.Expected {
    static let noDriver = SelectionCase.Expected.blocked(.noDriverFits)
}
