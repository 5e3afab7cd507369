import Catalog
import CoreSupport
import FoundationEssentials
import Health
import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// Nodes of public bug reports, and one that the agent read itself, as files of facts in `Fixtures`.
@Suite struct RecordedNodeTests {
    private func facts(_ name: String) throws -> NodeFacts {
        let data = try Data(contentsOf: URL(filePath: fixture("Fixtures/\(name).json")))
        return try JSONDecoder().decode(NodeFacts.self, from: data)
    }

    private func plan(_ name: String, policy: Policy = Policy(), adding drivers: [CatalogDriver] = []) throws -> Plan {
        let facts = try facts(name)
        let catalog = try repositoryCatalog().merged(with: Catalog(drivers: drivers))
        return Planner().plan(facts, Selection(catalog: catalog, policy: policy).decide(facts), journal: nil)
    }

    private func report(_ name: String) throws -> NodeReport {
        Checks(facts: try facts(name), plan: try plan(name)).report()
    }

    /// EC2's g3, p2 and p3 run on Xen.
    ///
    /// Old files of facts do not have the strings that tell its machines apart.
    @Test(arguments: ["aws-on-xen", "aws-on-nitro"])
    func awsOnXenIsAWS(_ name: String) throws {
        let driver = CatalogDriver(
            version: try #require(DriverVersion("535.261.03")),
            kind: .grid,
            platform: "aws",
            vgpuRelease: "16.11",
            artifact: Artifact(urls: ["https://example.com/a.run"], digest: Checksum(.sha256, "00"), size: nil)
        )
        let workstation = try plan(name, policy: Policy(workstation: true), adding: [driver]).decision
        #expect(workstation.action == .install && workstation.problems.isEmpty)
        #expect(workstation.driver?.kind == .grid && workstation.driver?.version.description == "535.261.03")
        #expect(workstation.evidence.contains { $0.statement.hasSuffix("The platform is aws.") })
        #expect(try plan(name).decision.driver?.kind == .datacenter)
    }

    @Test func aGPUOnPCIStubIsNotCounted() throws {
        let report = try report("pci-stub-beside-l4")
        #expect(report.verdict == .ready)
        #expect(report.finding(.gpuCount)?.observed == "1 of 1")
    }

    @Test func theOnlyGPUOnPCIStubIsNoGPUForPods() throws {
        #expect(try plan("pci-stub-only").decision.action == .idle)
        #expect(try report("pci-stub-only").reason == .noGPU)
    }

    /// The agent wrote this file on an H200 in a virtual machine, whose driver is in `/usr/local/nvidia`.
    ///
    /// Only the UUID, the boot ID and the kernel release are changed.
    @Test func aRealH200IsReady() throws {
        let report = try report("h200-in-a-vm")
        #expect(report.verdict == .ready && report.nextAction == "CUDA works on this node. Nothing to do.")
        #expect(report.findings.filter { $0.state == .pass }.count == 10)
        #expect(!report.findings.contains { [.failed, .warning, .notice, .unknown].contains($0.state) })
        #expect(try plan("h200-in-a-vm").decision.action == .adopt)
    }

    @Test func oneB200InAVMNeedsNoFabricManager() throws {
        let decision = try plan("one-b200-in-a-vm").decision
        #expect(decision.action == .install && decision.fabricManager?.isNeeded == false)
        let newest = try repositoryCatalog().drivers.first { driver in
            driver.kind == .datacenter && driver.architecture == .x86_64 && driver.artifact.digest != nil
                && driver.channel != .newFeature
        }
        #expect(decision.driver?.version == newest?.version)
    }

    @Test func ubuntusPrebuiltModulesAreAdoptedWithoutAComplaint() throws {
        let decision = try plan("ubuntu-prebuilt-modules").decision
        #expect(decision.action == .adopt && decision.driver?.version.description == "580.126.09")
        #expect(!decision.evidence.contains { $0.statement.contains("linux-modules-nvidia") })
        #expect(try report("ubuntu-prebuilt-modules").verdict == .ready)
    }

    /// The mode of an A100 was changed on a cloud that cannot reset it.
    @Test(arguments: [("mig-enable-pending", Finding.State.warning), ("mig-disable-pending", .failed)])
    func aPendingMIGChangeIsSaidAndNeedsAReboot(name: String, state: Finding.State) throws {
        let report = try report(name)
        let finding = try #require(report.finding(.migModePending))
        #expect(finding.state == state)
        #expect(finding.observed.hasPrefix("A MIG change is pending."))
        #expect(finding.remedy.text.hasPrefix("Reboot the node."))
        // Neither advises to create MIG devices or to turn MIG off, which somebody did already.
        #expect(report.finding(.migDevicesMissing)?.state != .failed)
        #expect(report.findings.allSatisfy { !$0.remedy.text.contains("Create MIG devices") })
        #expect(report.verdict != .ready)
    }

    /// The host of the virtual machine has the switches, and its fabric manager does not serve these GPUs.
    @Test(arguments: ["cuda-802-h200-vgpu", "cuda-802-two-h100"])
    func cuda802InAGuestIsTheFabricOfItsHost(name: String) throws {
        let finding = try #require(try report(name).finding(.cudaFailed))
        #expect(finding.observed.contains("802 CUDA_ERROR_SYSTEM_NOT_READY"))
        #expect(finding.remedy.text.hasPrefix("The host's NVLink fabric is not set up for this virtual machine."))
        #expect(finding.remedy.text.contains("nothing to repair in this machine"))
    }

    @Test func aGPUThatNeedsAResetIsResetByAReboot() throws {
        let finding = try #require(try report("gpu-reset-required").finding(.gpuUnreadable))
        #expect(finding.observed.contains("16 NVML_ERROR_RESET_REQUIRED"))
        #expect(finding.remedy.text.hasPrefix("Reboot the node."))
    }
}
