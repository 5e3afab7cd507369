import FoundationEssentials
import NodeModel
import Testing

/// The four scenarios of the demo, from a node without a driver to the verdict.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct ScenarioTests {
    @Test func installsTheGridDriverOnTheVGPU() async throws {
        try await SimulatedNode.with("rtx-pro-6000") { node in
            let before = try await node.status()
            #expect(before.verdict == "not-ready")
            #expect(before.reason == "driver-missing")
            #expect(before.nextAction == "Run 'gpu-agent install'.")
            #expect(before.decision.action == "install")
            #expect(before.decision.driver == .init(kind: "grid", version: "595.91.07", kernelModuleType: "open"))
            let install = try await node.agent("install", ["-o", "json"])
            install.expectExit(0)
            #expect(try install.decoded(as: PrintedValidation.self).verdict == "ready")

            let status = try await node.status()
            #expect(status.verdict == "ready")
            #expect(status.reason == nil)
            #expect(status.decision.action == "adopt")
            #expect(status.decision.owner == "gpu-agent")
            #expect(status.decision.driver == .init(kind: "grid", version: "595.91.07", kernelModuleType: "open"))
            let device = PrintedGPU.MIGDevice(
                uuid: "MIG-0b5e7c1d-92a6-5f43-8e0b-4c6d1a2f3e97",
                profile: "4g.96gb",
                memoryMiB: 95616
            )
            let gpu = PrintedGPU(
                pciAddress: "0001:00:00.0",
                pciId: "10de:2bb5",
                subsystemId: "1414:2187",
                uuid: "GPU-6f1cb2a4-3d0e-4b7a-9c55-8d1e2f7a4b60",
                migMode: "enabled",
                migDevices: [device]
            )
            #expect(status.gpus == [gpu])
            #expect(status.driver.sources.count == 5)
            #expect(Set(status.driver.sources.map(\.version)) == ["595.91.07"])
            // The simulated node has no systemd that could start the license daemon, and the vGPU has its license.
            #expect(status.findings.filter { $0.remedy != "" } == [])
            #expect(status.findings.filter { $0.state == "pass" } == goodFindings)
            #expect(status.lastInstall.map(\.step) == wholeInstall.map(\.rawValue))
            #expect(status.lastInstallPlan == wholeInstall.map(\.rawValue))
            #expect(status.lastInstall.allSatisfy { $0.state == "done" })
            #expect(try await node.run(["nvidia-smi", "-L"]).contains(device.uuid))
            try await expectLabels(node, "rtx-pro-6000")
        }
    }

    /// The scenario has the labels in a file, because the virtual machine node must show the same ones.
    private func expectLabels(_ node: SimulatedNode, _ scenario: String) async throws {
        let labels = try await node.agent("labels")
        labels.expectExit(0)
        let file = "\(Programs.repository)/simulator/scenarios/\(scenario)/labels"
        #expect(labels.output == (try String(contentsOfFile: file, encoding: .utf8)))
    }

    @Test func installsTheDatacenterDriverOnTheWholeGPU() async throws {
        try await SimulatedNode.with("h100") { node in
            try await node.agent("install").expectExit(0)
            let status = try await node.status()
            #expect(status.verdict == "ready")
            #expect(status.decision.action == "adopt")
            #expect(status.decision.driver == .init(kind: "datacenter", version: "595.99.02", kernelModuleType: "open"))
            let gpu = PrintedGPU(
                pciAddress: "0001:00:00.0",
                pciId: "10de:2321",
                subsystemId: "10de:1839",
                uuid: "GPU-2c4d9e70-5a1b-4f38-b6c2-0e9f7d3a8b14",
                migMode: "disabled",
                migDevices: []
            )
            #expect(status.gpus == [gpu])
            let states = Dictionary(uniqueKeysWithValues: status.findings.map { ($0.code, $0.state) })
            #expect(states["driver-kind-mismatch"] == "pass")
            #expect(states["cuda-failed"] == "pass")
            #expect(states["mig-devices-missing"] == "notApplicable")
            #expect(states["license-missing"] == "notApplicable")
            try await expectLabels(node, "h100")

            // The driver hangs in a call, and the command does not wait longer than it is told.
            let fault = "fault nvmlDeviceGetMigMode hang"
            _ = try await node.run(["sh", "-c", "echo '\(fault)' >> /etc/gpu-sim/hardware"])
            let run = try await node.agent("status", ["--timeout", "2s", "-o", "json"])
            run.expectExit(0)
            let hanging: PrintedStatus = try run.decoded()
            #expect(hanging.verdict == "not-ready" && hanging.reason == "nvml-hang")
            let hang = "NVML: nvmlDeviceGetMigMode for GPU 0 did not return within 2.0 seconds"
            #expect(hanging.findings.first { $0.code == "nvml-hang" }?.observed.hasPrefix(hang) == true)
            #expect(hanging.gpus.first?.uuid == gpu.uuid)
        }
    }

    @Test func leavesANodeWithoutAGPUAlone() async throws {
        try await SimulatedNode.with("no-gpu") { node in
            let before = try await node.writes()
            let install = try await node.agent("install")
            install.expectExit(0)
            #expect(install.output == "no-gpu: no NVIDIA GPU on the PCI bus\n")
            let status = try await node.status()
            #expect(status.verdict == "no-gpu")
            #expect(status.decision.action == "idle")
            #expect(status.decision.driver == nil)
            #expect(status.gpus.isEmpty)
            let finding = PrintedFinding(
                code: "no-gpu",
                state: "notApplicable",
                observed: "no NVIDIA GPU on the PCI bus",
                expected: "a PCI function of vendor 10de with class 0300 or 0302",
                remedy: ""
            )
            #expect(status.findings == [finding])
            expectSame(try await node.writes(), before)
            #expect(try node.requests().isEmpty)
        }
    }

    @Test func refusesAnUnknownGPU() async throws {
        try await SimulatedNode.with("unknown-gpu") { node in
            let before = try await node.writes()
            let install = try await node.agent("install")
            install.expectExit(1)
            #expect(
                install.errors.contains("unknown-gpu: GPU 0001:00:00.0 (10de:ffff, subsystem 10de:0001, class 0302)")
            )
            let status = try await node.status()
            #expect(status.verdict == "not-ready")
            #expect(status.reason == "unknown-gpu")
            #expect(status.decision.action == "blocked")
            #expect(status.decision.driver == nil)
            let gpu = PrintedGPU(
                pciAddress: "0001:00:00.0",
                pciId: "10de:ffff",
                subsystemId: "10de:0001",
                migDevices: []
            )
            #expect(status.gpus == [gpu])
            let finding = try #require(status.findings.first)
            #expect(finding.code == "unknown-gpu")
            #expect(finding.state == "failed")
            #expect(
                finding.observed
                    == "GPU 0001:00:00.0 (10de:ffff, subsystem 10de:0001, class 0302) is not in the catalog. "
                    + "The file pci.ids does not list it."
            )
            #expect(finding.expected == "a GPU that the catalog knows")
            #expect(finding.remedy.contains("'10de:ffff/10de:0001: physical'"))
            expectSame(try await node.writes(), before)
            #expect(try node.requests().isEmpty)
        }
    }

    @Test func doesNothingOnAGoodNode() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let before = try await node.writes()
            let (journal, loads) = (node.text(HostLayout.journal), node.moduleLoads())
            let requests = try node.requests().count
            #expect(journal != nil)
            #expect(requests == 1)

            let again = try await node.agent("install")
            again.expectExit(0)
            #expect(
                again.output
                    == "ready: keep the GRID driver 595.91.07 with open kernel modules that this agent installed\n"
            )
            #expect(again.errors == "")
            #expect(node.text(HostLayout.journal) == journal)
            expectSame(try await node.writes(), before)
            #expect(node.moduleLoads() == loads)
            #expect(try node.requests().count == requests)
            #expect(node.processes() == [])
        }
    }

    private var goodFindings: [PrintedFinding] {
        [
            ("driver-version-split", "595.91.07", "the same version from every source"),
            ("driver-not-loaded", "595.91.07", "loaded"),
            ("driver-kind-mismatch", "grid", "grid"),
            ("kernel-module-type-mismatch", "open", "open"),
            ("device-nodes-missing", "5 device nodes", "/dev/nvidiactl, /dev/nvidia-uvm"),
            ("nvml-unavailable", "driver 595.91.07, CUDA 13.2", "a response"),
            ("gpu-count", "1 of 1", "every GPU on the PCI bus"),
            ("gpu-unreadable", "1 GPU read", "no error from NVML"),
            ("mig-devices-missing", "1 MIG device: 4g.96gb", "at least one MIG device on each GPU in MIG mode"),
            (
                "mig-layout-invalid", "1 MIG device with the profile 4g.96gb",
                "MIG devices with the same profile on every GPU"
            ),
            ("license-missing", "NVIDIA RTX Virtual Workstation", "licensed"),
            (
                "cuda-failed", "1 device; no kernel ran: 'gpu-agent validate' runs one",
                "a device for every GPU or MIG device"
            ),
            (
                "guest-mig-mismatch", "one MIG device with the profile 4g.96gb on each GPU",
                "one MIG device with the profile 4g.96gb on each GPU (NVIDIA RTX Pro 6000 Blackwell DC-4-96Q)"
            ),
            ("mig-strategy-none-under-mig", "mig.strategy single", "mig.strategy single or mixed when MIG mode is on"),
        ].map { code, observed, expected in
            PrintedFinding(code: code, state: "pass", observed: observed, expected: expected, remedy: "")
        }
    }
}

/// The steps of an install on a node without a driver.
let wholeInstall: [StepID] = [
    .begin, .download, .install, .load, .verify, .finish,
]

/// The names of these steps, with other steps inserted before `install`.
func steps(_ whole: [StepID], beforeInstall others: StepID...) -> [String] {
    whole.flatMap { ($0 == .install ? others : []) + [$0] }.map(\.rawValue)
}
