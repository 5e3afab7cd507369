import CoreSupport
import NodeModel
import Planning
import Selection
import TestSupport
import Testing

@testable import Agent

/// Nodes of public bug reports, as directory trees that were copied from them: what the agent reads there, and what it
/// decides.
@Suite struct RecordedTreeTests {
    private let tree: TemporaryDirectory

    init() throws { tree = try TemporaryDirectory() }

    /// Bottlerocket's image moved the libraries in 2026, and has nvidia-gridd beside every driver.
    @Test(arguments: ["usr/lib/nvidia/tesla", "usr/lib"])
    func bottlerocketsDriverIsAdopted(_ libraries: String) async throws {
        let root = "x86_64-bottlerocket-linux-gnu/sys-root"
        try system("bottlerocket", "1.52.0", variant: "aws-k8s-1.35-nvidia", kernel: "6.12.58")
        try machine("Amazon EC2", "g4dn.xlarge")
        try gpu("0000:00:1e.0", device: 0x1eb8, subsystem: 0x12a2, driver: "nvidia")
        for link in ["usr", "lib", "bin"] {
            try tree.link(link, to: link == "usr" ? "\(root)/usr" : "\(root)/usr/\(link)")
        }
        try loaded("580.126.09", libraries: "\(root)/\(libraries)")
        try tree.write("\(root)/usr/bin/nvidia-gridd", "")
        try tree.write("\(root)/usr/lib/systemd/system/nvidia-gridd.service", "[Unit]\n")

        let plan = try await plan()
        #expect(plan.decision.action == .adopt && plan.decision.owner == .bottlerocket)
        #expect(plan.decision.driver?.kind == .datacenter && plan.decision.driver?.kernelModuleType == .open)
        #expect(plan.decision.driver?.version.description == "580.126.09")
    }

    @Test func talosLibrariesOfGlibcAreFound() async throws {
        try system("talos", "v1.11.0", kernel: "6.12.45-talos")
        try machine("QEMU", "Standard PC (Q35 + ICH9, 2009)")
        try gpu("0000:02:00.0", device: 0x27b8, subsystem: 0x16ca, driver: "nvidia")
        try loaded("570.172.08", libraries: "usr/local/glibc/lib")

        let plan = try await plan()
        #expect(plan.decision.action == .adopt && plan.obstacles.isEmpty)
        #expect(plan.decision.driver?.version.description == "570.172.08")
    }

    /// Talos has no extension with a GRID driver, and its image cannot lose a driver.
    @Test func talosWithAVGPUOfAnA16NeedsAnotherImage() async throws {
        try system("talos", "v1.8.1", kernel: "6.6.54-talos")
        try machine("VMware, Inc.", "VMware20,1")
        try gpu("0000:02:00.0", device: 0x25b6, subsystem: 0x1601, driver: nil)
        try libraries("535.183.06", in: "usr/local/glibc/lib")

        let problem = try #require(try await plan().obstacles.first)
        #expect(problem.code == .foreignDriver)
        #expect(problem.observed.contains("it is a datacenter driver"))
        #expect(problem.observed.contains("these GPUs need a GRID driver"))
        #expect(!problem.observed.contains("lacks"))
        #expect(problem.remedy.text.hasPrefix("Use a Talos image"))
        #expect(problem.remedy.text.hasSuffix("Talos has no extension with a GRID driver."))
    }

    @Test func gkeCOSWithoutDriverIsLeftToGooglesInstaller() async throws {
        try system("cos", "121", kernel: "6.6.87+")
        try machine("Google", "Google Compute Engine")
        try gpu("0000:00:05.0", device: 0x27b8, subsystem: 0x16ee, driver: nil)

        let plan = try await plan()
        #expect(plan.obstacles.map(\.code) == [.immutableSystem])
        let remedy = try #require(plan.obstacles.first).remedy.text
        #expect(remedy.contains("GKE") && remedy.contains("cos-gpu-installer") && !remedy.contains("gcc"))
    }

    // MARK: The trees

    private func plan() async throws -> Plan {
        let facts = await (try Prober(Settings(hostRoot: tree.path, hostPID: nil))).look().facts
        let decision = Selection(catalog: try repositoryCatalog(), policy: Policy()).decide(facts)
        return Planner().plan(facts, decision, journal: nil)
    }

    private func system(_ id: String, _ version: String, variant: String? = nil, kernel: String) throws {
        let last = variant.map { "VARIANT_ID=\($0)\n" } ?? ""
        try tree.write("etc/os-release", "ID=\(id)\nVERSION_ID=\(version)\n\(last)")
        try tree.write("proc/sys/kernel/osrelease", "\(kernel)\n")
        try tree.write("proc/sys/kernel/arch", "x86_64\n")
        try tree.write("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme de pse hypervisor\n")
    }

    private func machine(_ vendor: String, _ product: String) throws {
        try tree.write("sys/class/dmi/id/sys_vendor", "\(vendor)\n")
        try tree.write("sys/class/dmi/id/product_name", "\(product)\n")
    }

    /// A function of NVIDIA whose configuration space has the capabilities of a physical GPU, and not those of a vGPU.
    private func gpu(_ address: String, device: UInt16, subsystem: UInt16, driver: String?) throws {
        let home = "sys/devices/pci/\(address)"
        let ids: [(String, UInt16)] = [
            ("vendor", 0x10de), ("device", device), ("subsystem_vendor", 0x10de), ("subsystem_device", subsystem),
        ]
        for (name, id) in ids { try tree.write("\(home)/\(name)", "0x\(String(id, radix: 16))\n") }
        try tree.write("\(home)/class", "0x030200\n")
        try tree.write("\(home)/revision", "0xa1\n")
        try tree.link("sys/bus/pci/devices/\(address)", to: "../../../devices/pci/\(address)")
        if let driver { try tree.link("\(home)/driver", to: "../../../bus/pci/drivers/\(driver)") }

        var space = [UInt8](repeating: 0, count: 256)
        func put(_ offset: Int, _ word: UInt16) {
            space[offset] = UInt8(truncatingIfNeeded: word)
            space[offset + 1] = UInt8(truncatingIfNeeded: word >> 8)
        }
        for (offset, word) in [
            (0, UInt16(0x10de)), (2, device), (6, 0x0010), (10, 0x0302), (0x2c, 0x10de), (0x2e, subsystem),
        ] {
            put(offset, word)
        }
        // The list of capabilities: power management, then PCI Express.
        for (offset, word) in [(0x34, UInt16(0x40)), (0x40, 0x8001), (0x80, 0x0010)] { put(offset, word) }
        try tree.write("\(home)/config", bytes: space)
    }

    private func libraries(_ version: String, in directory: String) throws {
        for name in ["libnvidia-ml.so", "libcuda.so"] {
            try tree.write("\(directory)/\(name).\(version)", "")
            try tree.link("\(directory)/\(name).1", to: "\(name).\(version)")
        }
    }

    private func loaded(_ version: String, libraries directory: String) throws {
        try libraries(version, in: directory)
        try tree.write("sys/module/nvidia/version", "\(version)\n")
        let banner =
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  \(version)  Release Build  (builder@host)\n"
        try tree.write("proc/driver/nvidia/version", banner)
    }
}
