import CoreSupport
import FoundationEssentials
import Health
import NodeModel
import Planning
import Selection
import TestSupport
import Testing

/// Nodes of public bug reports, as files of facts in `Fixtures`.
@Suite struct RecordedNodeTests {
    private func report(_ name: String) throws -> NodeReport {
        let data = try Data(contentsOf: URL(filePath: fixture("Fixtures/\(name).json")))
        let facts = try JSONDecoder().decode(NodeFacts.self, from: data)
        let decision = Selection(catalog: try repositoryCatalog(), policy: Policy()).decide(facts)
        return Checks(facts: facts, plan: Planner().plan(facts, decision, journal: nil)).report()
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
    func theFabricOfAVirtualMachineIsItsHosts(name: String) throws {
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
