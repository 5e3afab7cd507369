import CoreSupport
import NodeModel
import Planning
import TestSupport
import Testing

@testable import Health

/// What an answer of Vulkan means for the node.
@Suite struct VulkanCheckTests {
    private func report(
        _ vulkan: Reading<VulkanFacts>,
        on node: NodeFacts = .h100Ready,
        _ change: (inout NodeFacts) -> Void = { _ in }
    ) throws -> NodeReport {
        let facts = node.with { facts in
            guard var vendor = facts.vendor.value else { return }
            vendor.vulkan = vulkan
            facts.vendor = .present(vendor)
            facts.driver.loadedModules = .present(["nvidia", "nvidia_modeset", "nvidia_uvm"])
            facts.driver.deviceNodes = .present(["nvidiactl", "nvidia0", "nvidia-uvm", "nvidia-modeset"])
            change(&facts)
        }
        return Checks(facts: facts, plan: try Plan.made(for: facts)).report()
    }

    private func device(
        result: Int?,
        uuid: String = "GPU-another",
        at address: PCIAddress? = GPUFacts.h100.pciAddress.value,
        vendor: Int = 0x10de,
        draws: Bool = true
    ) -> VulkanDevice {
        VulkanDevice(
            name: "NVIDIA H100 NVL",
            vendorID: vendor,
            uuid: uuid,
            pciAddress: address,
            draws: draws,
            result: result
        )
    }

    private func answer(_ devices: VulkanDevice...) -> Reading<VulkanFacts> {
        .present(VulkanFacts(devices: devices, driverFile: "/etc/vulkan/icd.d/nvidia_icd.json"))
    }

    @Test func aDeviceOnEveryGPUPasses() throws {
        let report = try report(answer(device(result: nil, at: nil, vendor: 0x10005), device(result: 0)))
        #expect(report.verdict == .ready)
        #expect(report.finding(.vulkanFailed)?.observed == "1 device")
    }

    @Test func nobodyAsked() throws {
        for reason in [VulkanFacts.notRequested, Reading<VulkanFacts>.notRecorded] {
            let report = try report(.skipped(reason))
            #expect(report.findings.filter { $0.code.rawValue.hasPrefix("vulkan") } == [])
        }
    }

    @Test func theDeviceOfAnotherGPUDoesNotCount() throws {
        let other = PCIAddress(domain: 0, bus: 9, device: 0, function: 0)
        let uuid = try #require(GPUFacts.h100.uuid.value)
        let elsewhere = try report(answer(device(result: 0, uuid: uuid, at: other)))
        #expect(elsewhere.finding(.vulkanFailed)?.observed == "Vulkan does not list \(GPUFacts.h100.label).")
        // Without an address, the UUID tells, and otherwise only one device can be that of the only GPU.
        #expect(try report(answer(device(result: 0, uuid: uuid, at: nil))).verdict == .ready)
        #expect(try report(answer(device(result: 0, at: nil))).verdict == .ready)
        let two = try report(answer(device(result: 0, at: nil), device(result: 0, at: nil)))
        #expect(two.verdict == .notReady && two.reason == .vulkanFailed)
    }

    @Test func eachGPUThatFailsIsNamed() throws {
        var second = GPUFacts.h100
        second.index = 1
        second.pciAddress = .present(PCIAddress(domain: 2, bus: 0, device: 0, function: 0))
        second.uuid = .present("GPU-second")
        let node = NodeFacts.h100Ready.with { $0.vendor = .answering("595.71.05", gpus: [.h100, second]) }
        let missing = VulkanProblem.all(
            in: VulkanFacts(devices: [device(result: -3)]),
            gpus: node.vendor.value?.nvml.value?.gpus ?? []
        )
        #expect(missing == [.device(.h100, code: -3), .notListed(second)])
        #expect(missing.map(\.text).last == "Vulkan does not list GPU 1 (0002:00:00.0)")
    }

    /// Each cause has a reason code of its own, or another message, and a remedy.
    @Test func eachCauseIsAFinding() throws {
        func finding(_ code: ReasonCode, _ report: NodeReport, _ verdict: Verdict = .notReady) -> String {
            #expect(report.verdict == verdict && report.reason == code, "\(code): \(report.reason)")
            #expect(report.findings.filter { $0.code.rawValue.hasPrefix("vulkan") && $0.state != .pass }.count == 1)
            let finding = report.finding(code)
            #expect(finding?.remedy.text.isEmpty == false)
            return "\(finding?.observed ?? "") \(finding?.remedy.command ?? finding?.remedy.text ?? "")"
        }
        let refused = VulkanFacts(result: -9, failedCall: "vkCreateInstance")
        var found = refused
        found.driverFile = "/etc/vulkan/icd.d/nvidia_icd.json"
        var unloadable = found
        unloadable.loadError = "libX11.so.6: cannot open shared object file"
        let failing = answer(device(result: -3))

        #expect(finding(.vulkanLoaderMissing, try report(.absent), .unknown).contains("Install libvulkan1"))
        #expect(finding(.vulkanDriverFileMissing, try report(.present(refused))).contains("--no-opengl-files"))
        #expect(finding(.vulkanLibraryMissing, try report(.present(unloadable))).contains("libX11.so.6"))
        let noModule = try report(failing) { $0.driver.loadedModules = .present(["nvidia"]) }
        #expect(finding(.vulkanModesetMissing, noModule).contains("is not loaded. nvidia-modprobe -m"))
        let noNode = try report(failing) { $0.driver.deviceNodes = .present(["nvidiactl", "nvidia0", "nvidia-uvm"]) }
        #expect(finding(.vulkanModesetMissing, noNode).contains("does not exist. nvidia-modprobe -m"))
        #expect(finding(.vulkanNoGraphics, try report(failing, on: .rtxProReady)).contains("probably"))
        #expect(finding(.vulkanNoGraphics, try report(answer(device(result: 0, draws: false)))).contains("cannot draw"))
        #expect(finding(.vulkanFailed, try report(.present(found))).contains("-9 VK_ERROR_INCOMPATIBLE_DRIVER"))
        #expect(finding(.vulkanFailed, try report(failing)).contains("-3 VK_ERROR_INITIALIZATION_FAILED"))
        unloadable.loadError = "libX11.so.6: version `GLIBC_2.44' not found"
        #expect(finding(.vulkanFailed, try report(.present(unloadable)), .unknown).contains("vulkaninfo"))
    }

    @Test func aChildThatDoesNotAnswer() throws {
        let hang = try report(.unreadable(ReadFailure(.hang, "Vulkan: vkCreateDevice did not return")))
        #expect(hang.verdict == .notReady && hang.reason == .vulkanHang && hang.finding(.vulkanFailed) == nil)
        let crash = try report(.unreadable(ReadFailure(.crashed, "Vulkan: crashed")))
        #expect(crash.verdict == .notReady && crash.reason == .vulkanFailed)
        for reason in [ReadFailure.Reason.library, .command] {
            let own = try report(.unreadable(ReadFailure(reason, "Vulkan: not asked")))
            #expect(own.verdict == .unknown && own.reason == .vulkanFailed)
        }
    }
}
