import FoundationEssentials
import Glibc
import NodeModel
import Testing

@testable import VendorProbe

/// Vulkan in the real child process, with the stand-in loader, and with the real one where this machine has it.
@Suite struct VulkanTests {
    private func vulkan(
        _ hardware: String,
        loaded: String? = "580.105.08",
        _ change: (inout StandInHost) throws -> Void = { _ in }
    ) async throws -> Reading<VulkanFacts> {
        try await StandInHost.with(hardware: hardware, loaded: loaded) { host in
            host.testsVulkan = true
            try change(&host)
            let facts = await host.prober().facts()
            #expect(host.isTidy)
            return facts.vulkan
        }
    }

    private static let uuids = ["GPU-00000000-0000-0000-0000-00000000000a", "GPU-00000000-0000-0000-0000-00000000000b"]

    @Test func createsADeviceOnEachGPU() async throws {
        let addresses = [
            PCIAddress(domain: 1, bus: 0, device: 0, function: 0),
            PCIAddress(domain: 0x10002, bus: 10, device: 31, function: 0),
        ]
        let devices = zip(Self.uuids, addresses).map { uuid, address in
            VulkanDevice(
                name: "NVIDIA H100 NVL",
                vendorID: 0x10de,
                uuid: uuid,
                pciAddress: address,
                draws: true,
                result: 0
            )
        }
        #expect(try await vulkan(StandInHost.twoH100) == .present(VulkanFacts(devices: devices)))
    }

    @Test func isOnlyTestedOnRequest() async throws {
        let skipped = try await vulkan(StandInHost.twoH100) { $0.testsVulkan = false }
        #expect(skipped == .skipped(VulkanFacts.notRequested))
        let facts = try await StandInHost.with(hardware: StandInHost.twoH100) { host in
            host.testsVulkan = true
            return await host.prober(libraries: VendorLibraries(nvml: host.nvml, cuda: nil)).facts()
        }
        #expect(facts.vulkan == .absent)
    }

    @Test func aFailedDeviceLeavesTheOthers() async throws {
        let answer = try await vulkan(StandInHost.twoH100 + "fault vkCreateDevice code=3 gpu=1\n")
        #expect(answer.value?.devices.map(\.result) == [0, -3])
    }

    @Test(
        arguments: [("vkCreateInstance", -9), ("vkCreateInstance", -1), ("vkEnumeratePhysicalDevices", -3)]
    )
    func keepsTheCodeOfAFailedCall(_ symbol: String, _ code: Int) async throws {
        let answer = try await vulkan(StandInHost.twoH100 + "fault \(symbol) code=\(-code)\n")
        #expect(answer == .present(VulkanFacts(result: code, failedCall: symbol)))
    }

    @Test func saysWhyTheDriverCannotBeLoaded() async throws {
        let unloaded = try await vulkan(StandInHost.twoH100, loaded: nil)
        #expect(unloaded == .present(VulkanFacts(result: -9, failedCall: "vkCreateInstance")))
        let noLibrary = try await vulkan(StandInHost.twoH100) {
            try FileManager.default.removeItem(atPath: $0.vulkanLibrary)
        }
        #expect(noLibrary.value?.result == -9)
        #expect(noLibrary.value?.loadError?.hasPrefix("libGLX_nvidia.so.0: cannot open shared object") == true)
        for content in ["{}", "[", ""] {
            let wrong = try await vulkan(StandInHost.twoH100) { try Toolbox.write(content, to: $0.vulkanDriver) }
            #expect(wrong.value?.result == -9)
            #expect(wrong.value?.loadError == "nvidia_icd.json names no library")
        }
    }

    @Test func aGPUThatIsLeftOutIsNoDevice() async throws {
        let answer = try await vulkan(StandInHost.twoH100 + "fault vkEnumeratePhysicalDevices count=1\n")
        #expect(answer.value?.devices.map(\.uuid) == [Self.uuids[0]])
    }

    @Test func findsTheLibraryOfADriver() async throws {
        try await Toolbox.withDirectory { directory in
            for (path, expected) in [
                ("libGLX_nvidia.so.0", "libGLX_nvidia.so.0"), ("/opt/libx.so", "/opt/libx.so"),
                ("../lib/libx.so", "\(directory)/../lib/libx.so"), ("", nil),
            ] {
                try Toolbox.write(#"{"ICD": {"library_path": "\#(path)"}}"#, to: "\(directory)/icd.json")
                #expect(VulkanDriverFile(path: "\(directory)/icd.json").library == expected)
            }
            #expect(VulkanDriverFile(path: "\(directory)/none.json").library == nil)
            #expect(VulkanDriverFile(path: directory).library == nil)
        }
    }

    /// The file of the host names its library by a path, which is another one for the agent.
    @Test func aLibraryWithAPathIsThatOfTheHost() async throws {
        let answer = try await vulkan(StandInHost.twoH100) { host in
            let directory = "\(host.root)/opt/driver"
            let there = "\(directory)/libGLX_nvidia.so.0"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try FileManager.default.moveItem(atPath: host.vulkanLibrary, toPath: there)
            try Toolbox.write(#"{"ICD": {"library_path": "/opt/driver/libGLX_nvidia.so.0"}}"#, to: host.vulkanDriver)
            host.libraryOfVulkan = VulkanDriverLibrary(path: there, version: "1.4.312")
        }
        #expect(answer.value?.devices.count == 2, "\(answer)")
        let other = try await vulkan(StandInHost.twoH100) { host in
            try Toolbox.write(#"{"ICD": {"library_path": "/opt/driver/libGLX_nvidia.so.0"}}"#, to: host.vulkanDriver)
            host.libraryOfVulkan = VulkanDriverLibrary(path: "\(host.root)/opt/none.so", version: nil)
        }
        #expect(other.value?.loadError?.contains("/opt/none.so: cannot open shared object") == true, "\(other)")
    }

    @Test func aHangNamesTheCall() async throws {
        let answer = try await vulkan(StandInHost.twoH100 + "fault vkCreateDevice hang gpu=1\n") {
            $0.deadlines.vulkan = .milliseconds(700)
        }
        #expect(answer.failure?.reason == .hang)
        let expected = "Vulkan: vkCreateDevice for the GPU 10002:0a:1f.0 did not return within 0.7 seconds"
        #expect(answer.failure?.detail.hasPrefix(expected) == true, "\(answer)")
    }

    @Test func aCrashAndAWrongCountAreFacts() async throws {
        let crash = try await vulkan(StandInHost.twoH100 + "fault vkDestroyDevice crash\n")
        #expect(crash.failure?.reason == .crashed && crash.failure?.detail.contains("vkDestroyDevice") == true)
        let count = try await vulkan(StandInHost.twoH100 + "fault vkEnumeratePhysicalDevices count=65\n")
        #expect(count.failure?.reason == .malformed && count.failure?.detail.contains("65 devices") == true)
    }

    @Test func isNotAskedWhileNVMLHangs() async throws {
        let answer = try await vulkan(StandInHost.twoH100 + "fault nvmlInit_v2 hang\n") {
            $0.deadlines.nvml = .milliseconds(500)
        }
        #expect(answer == .skipped("NVML does not answer, and Vulkan would wait for the same driver"))
    }

    /// Mesa's driver for the processor (lavapipe), as a device of its vendor.
    private static let mesa: (loader: String, driver: String)? = {
        let machine = Machine.triple
        let loader = "/usr/lib/\(machine)/libvulkan.so.1"
        let names = ["lvp_icd.json", "lvp_icd.\(Machine.architecture).json"]
        let driver = names.map { "/usr/share/vulkan/icd.d/\($0)" }.first(where: FileManager.default.fileExists)
        guard FileManager.default.fileExists(atPath: loader), let driver else { return nil }
        return (loader, driver)
    }()

    @Test(
        .enabled(if: mesa != nil, "the packages libvulkan1 and mesa-vulkan-drivers are not installed"),
        .timeLimit(.minutes(2))
    )
    func theRealLoaderCreatesADevice() async throws {
        let mesa = try #require(Self.mesa)
        setenv("VK_DRIVER_FILES", mesa.driver, 1)
        setenv("VK_ICD_FILENAMES", mesa.driver, 1)
        defer {
            unsetenv("VK_DRIVER_FILES")
            unsetenv("VK_ICD_FILENAMES")
        }
        var calls: [String] = []
        let reporter = VendorReporter { line in
            if let call = VendorNote(Array(line.dropLast()))?.call { calls.append(call.symbol) }
        }
        // 0x10005 is the number that Khronos gave to Mesa.
        let facts = try #require(try VulkanLibrary(path: mesa.loader, reporter: reporter).facts(vendor: 0x10005).value)
        #expect(facts.result == 0 && facts.failedCall == nil)
        let device = try #require(facts.devices.first)
        #expect(device.name.hasPrefix("llvmpipe") && device.vendorID == 0x10005)
        #expect(device.pciAddress == nil, "a processor has none")
        #expect(device.draws && device.result == 0 && device.uuid.count == 40)
        #expect(calls.contains("vkCreateDevice") && calls.last == "vkDestroyInstance")
        let others = try VulkanLibrary(path: mesa.loader, reporter: VendorReporter { _ in }).facts().value
        #expect(others?.devices.first?.result == nil, "only the devices of NVIDIA are created")
        setenv("VK_DRIVER_FILES", "/nowhere.json", 1)
        setenv("VK_ICD_FILENAMES", "/nowhere.json", 1)
        let none = try VulkanLibrary(path: mesa.loader, reporter: VendorReporter { _ in }).facts().value
        #expect(none?.result == -9 && none?.failedCall == "vkCreateInstance")
    }
}

/// The names of this machine's processor in the paths of Debian.
private enum Machine {
    #if arch(arm64)
    static let architecture = "aarch64"
    #else
    static let architecture = "x86_64"
    #endif
    static let triple = "\(architecture)-linux-gnu"
}
