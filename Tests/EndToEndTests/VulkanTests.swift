import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// Vulkan on a simulated node with a stand-in for the loader and the driver.
@Suite(.onSimulatedNodes, .having("make", "gcc"), .timeLimit(.minutes(10)))
struct VulkanTests {
    private static let driverFile = "/usr/share/vulkan/icd.d/nvidia_icd.json"
    private static let hardware = "/etc/gpu-sim/hardware"

    /// Puts the loader, the driver and its file on a host on which the driver is installed.
    private func addVulkan(to node: SimulatedNode) async throws {
        let version = try #require(node.text("/sys/module/nvidia/version")).filter { !$0.isNewline }
        let built = try TemporaryDirectory()
        let make = ["make", "-s", "-C", "\(Programs.repository)/simulator/driver"]
        try await succeed(make + ["VERSION=\(version)", "OUT=\(built.path)", "vulkan"])
        for name in ["libvulkan", "libGLX_nvidia"] {
            let content = try Data(contentsOf: URL(filePath: built.path("\(name).so.\(version)")))
            try content.write(to: URL(filePath: node.path("/run/\(name)")))
        }
        let script = """
            umask 022
            cd "$(dirname "$(ls /usr/lib/*-linux-gnu/libcuda.so.1)")"
            rm -f libvulkan.so.1
            cat /run/libvulkan >libvulkan.so.1
            cat /run/libGLX_nvidia >libGLX_nvidia.so.$1
            ln -sf libGLX_nvidia.so.$1 libGLX_nvidia.so.0
            mkdir -p "$(dirname "$2")"
            echo '{"file_format_version": "1.0.1", "ICD": {"library_path": "libGLX_nvidia.so.0"}}' >"$2"
            nvidia-modprobe -m
            """
        try await node.run(["sh", "-ec", script, "sh", version, Self.driverFile])
    }

    /// What `validate --checks vulkan` says about Vulkan: its reason code, and what it observed.
    private func validate(_ node: SimulatedNode, exit code: Int = 1) async throws -> (reason: String?, text: String) {
        let run = try await node.agent("validate", ["--checks", "vulkan", "-o", "json"])
        run.expectExit(code)
        let report = try run.decoded(as: PrintedValidation.self)
        let findings = report.checks.filter { $0.code.hasPrefix("vulkan") && $0.state != "skipped" }
        #expect(findings.count == 1, "\(findings)")
        #expect(code == 0 || report.reason == findings.first?.code, "\(report)")
        return (report.reason, findings.first?.observed ?? "")
    }

    @Test func eachCauseIsNamed() async throws {
        let files = try TemporaryDirectory()
        try files.write("config.yaml", "apiVersion: gpu-agent/v1\nkind: AgentConfig\nchecks: {vulkan: true}\n")
        let configured = ["--config", files.path("config.yaml")]
        try await SimulatedNode.with("two-h100") { node in
            try await node.agent("install").expectExit(0)
            try await addVulkan(to: node)

            // Without a request, the agent does not load Vulkan, which would hang here.
            let hang = "cp \(Self.hardware) /run/good; echo 'fault vkCreateInstance hang' >>\(Self.hardware)"
            try await node.run(["sh", "-c", hang])
            let plain = try await node.agent("validate", ["-o", "json"])
            plain.expectExit(0)
            #expect(try plain.decoded(as: PrintedValidation.self).checks.allSatisfy { !$0.code.hasPrefix("vulkan") })

            // With one, a call that hangs is a finding.
            let late = try await node.status(configured + ["--timeout", "2s"])
            #expect(late.verdict == "not-ready" && late.reason == "vulkan-hang", "\(late)")
            let observed = late.findings.first { $0.code == "vulkan-hang" }?.observed ?? ""
            #expect(observed.hasPrefix("Vulkan: vkCreateInstance did not return within 2"), "\(observed)")
            try await node.run(["cp", "/run/good", Self.hardware])

            let good = try await validate(node, exit: 0)
            #expect(good == (nil, "2 devices"))
            #expect(try await node.status(configured).findings.contains { $0.code == "vulkan-failed" })

            try await node.run(["mv", Self.driverFile, "/run/icd"])
            let noFile = try await validate(node)
            #expect(noFile.reason == "vulkan-driver-file-missing" && noFile.text.contains("no nvidia_icd.json"))
            try await node.run(["mv", "/run/icd", Self.driverFile])

            try await node.run(["sh", "-c", "mv /usr/lib/*-linux-gnu/libGLX_nvidia.so.0 /run/link"])
            let noLibrary = try await validate(node)
            #expect(noLibrary.reason == "vulkan-library-missing")
            #expect(noLibrary.text.contains("libGLX_nvidia.so.0: cannot open shared object file"), "\(noLibrary)")
            try await node.run([
                "sh", "-c", "mv /run/link \"$(dirname /usr/lib/*-linux-gnu/libcuda.so.1)\"/libGLX_nvidia.so.0",
            ])

            try await node.run(["sh", "-c", "rmmod nvidia_drm; rmmod nvidia_modeset; rm /dev/nvidia-modeset"])
            let noModeset = try await validate(node)
            #expect(noModeset.reason == "vulkan-modeset-missing" && noModeset.text.contains("-3 VK_ERROR"))
            try await node.run(["nvidia-modprobe", "-m"])

            for (fault, text) in [
                ("vkCreateInstance code=9", "vkCreateInstance returned -9 VK_ERROR_INCOMPATIBLE_DRIVER."),
                (
                    "vkCreateDevice code=3 gpu=1",
                    "vkCreateDevice on GPU 1 (0000:81:00.0) returned -3 VK_ERROR_INITIALIZATION_FAILED."
                ),
                ("vkEnumeratePhysicalDevices count=1", "Vulkan does not list GPU 1 (0000:81:00.0)."),
            ] {
                try await node.run(["sh", "-c", "{ cat /run/good; echo 'fault \(fault)'; } >\(Self.hardware)"])
                let found = try await validate(node)
                #expect(found == ("vulkan-failed", text))
            }
        }
    }
}
