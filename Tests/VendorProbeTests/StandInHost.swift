import FoundationEssentials
import NodeModel
import VendorProbe

/// The stand-in libraries, which the compiler of this machine builds once for each version and set of defines.
actor StandIns {
    static let shared = StandIns()

    private var builds: [String: Task<String, any Error>] = [:]

    /// The directory with the libraries.
    func directory(version: String, defines: String) async throws -> String {
        let name = version + defines
        let build =
            builds[name]
            ?? Task {
                let out = "\(Toolbox.cache)/\(name)"
                try await Toolbox.run(
                    "make",
                    [
                        "-C", "\(Toolbox.repository)/simulator/driver", "VERSION=\(version)", "OUT=\(out)",
                        "DEFINES=\(defines)", "all", "vulkan",
                    ]
                )
                return out
            }
        builds[name] = build
        return try await build.value
    }
}

/// A directory tree of a host with a driver: the stand-in libraries and their data files.
struct StandInHost {
    let root: String
    let version: String

    /// The deadlines, which a test shortens when it waits for one of them.
    var deadlines = VendorProber.Deadlines()
    /// How far to test CUDA on a device with this UUID.
    var cudaTest: @Sendable (String?) -> CUDATest = { _ in .full }
    /// Whether to test peer access between two GPUs.
    var peerTest: @Sendable (GPUFacts, GPUFacts) -> CUDATest = { _, _ in .full }
    /// Hears how long each part took.
    var measured: @Sendable (VendorProber.Part, Duration) -> Void = { _, _ in }

    var nvml: String { "\(root)/usr/lib/libnvidia-ml.so.\(version)" }
    var cuda: String { "\(root)/usr/lib/libcuda.so.\(version)" }
    var vulkan: String { "\(root)/usr/lib/libvulkan.so.\(version)" }
    var vulkanDriver: String { "\(root)/usr/share/vulkan/icd.d/nvidia_icd.json" }
    /// The library of the Vulkan driver.
    var vulkanLibrary: String { "\(root)/usr/lib/libGLX_nvidia.so.\(version)" }
    private var vulkanCompanion: DriverLibrary { DriverLibrary(name: "libGLX_nvidia.so.0", path: vulkanLibrary) }
    /// Whether to test Vulkan.
    var testsVulkan = false
    /// The library that the file of the Vulkan driver names by a path.
    var libraryOfVulkan: VulkanDriverLibrary?

    /// Calls `body` with a host.
    ///
    /// - Parameters:
    ///   - hardware: The hardware file of the host.
    ///   - version: The version of the libraries.
    ///   - loaded: The version of the loaded kernel module; nil when none is loaded.
    ///   - defines: The preprocessor definitions for the libraries.
    ///   - body: The test. The host is removed afterwards.
    /// - Returns: The result of `body`.
    /// - Throws: The error of `body`, or of the build of the libraries.
    static func with<Result>(
        hardware: String,
        version: String = "580.105.08",
        loaded: String? = "580.105.08",
        defines: String = "",
        _ body: (inout StandInHost) async throws -> Result
    ) async throws -> Result {
        let built = try await StandIns.shared.directory(version: version, defines: defines)
        return try await Toolbox.withDirectory { root in
            var host = StandInHost(root: root, version: version)
            try Toolbox.write(hardware, to: "\(root)/etc/gpu-sim/hardware")
            if let loaded { try Toolbox.write("\(loaded)\n", to: "\(root)/sys/module/nvidia/version") }
            try FileManager.default.createDirectory(atPath: "\(root)/usr/lib", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(
                atPath: "\(root)/sys/module/nvidia_modeset",
                withIntermediateDirectories: true
            )
            let libraries = ["libnvidia-ml", "libcuda", "libvulkan", "libGLX_nvidia"].map { "\($0).so.\(version)" }
            for name in libraries {
                try FileManager.default.copyItem(atPath: "\(built)/\(name)", toPath: "\(root)/usr/lib/\(name)")
            }
            try Toolbox.write(
                #"{"ICD": {"library_path": "libGLX_nvidia.so.0", "api_version": "1.4.312"}}"#,
                to: host.vulkanDriver
            )
            return try await body(&host)
        }
    }

    func prober(libraries: VendorLibraries? = nil, companions: [DriverLibrary] = []) -> VendorProber {
        VendorProber(
            program: Toolbox.agent,
            libraries: libraries
                ?? VendorLibraries(
                    nvml: nvml,
                    cuda: cuda,
                    vulkan: vulkan,
                    vulkanDriver: vulkanDriver,
                    vulkanLibrary: libraryOfVulkan
                ),
            companions: companions + (testsVulkan ? [vulkanCompanion] : []),
            scratch: root,
            deadlines: deadlines,
            testsVulkan: testsVulkan,
            cudaTest: { [cudaTest] in cudaTest($1) },
            peerTest: peerTest,
            measured: measured
        )
    }

    /// Whether a probe left neither a process nor a directory of links.
    var isTidy: Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return Toolbox.processes(mentioning: root).isEmpty && !names.contains { $0.hasPrefix("vendor-") }
    }
}

extension StandInHost {
    /// An RTX PRO 6000 vGPU, whose MIG mode is always on.
    static let vgpu = """
        gpu 0 uuid=GPU-6f1c8d3e-0000-4a2b-9c7d-000000000000 name="NVIDIA RTX Pro 6000 Blackwell DC-4-96Q" \
        pci=00000001:00:00.0 id=10de2bb5 subsystem=14142187 memoryMiB=98304 cc=12.0 mig=on virtualization=vgpu \
        license=licensed product="NVIDIA RTX Virtual Workstation"
        mig 0 uuid=MIG-0b5e2c7a-0000-5d1f-8e3b-000000000000 profile=4g.96gb memoryMiB=95616 gi=0 ci=0 sm=188 \
        giSlices=4 ciSlices=4 copyEngines=4 decoders=4 encoders=4 jpegEngines=3 ofaEngines=1

        """

    /// Two H100 NVL in a virtual machine.
    static let twoH100 = """
        gpu 0 uuid=GPU-00000000-0000-0000-0000-00000000000a name="NVIDIA H100 NVL" pci=00000001:00:00.0 \
        id=10de2321 memoryMiB=95830 cc=9.0 mig=off virtualization=passthrough
        gpu 1 uuid=GPU-00000000-0000-0000-0000-00000000000b name="NVIDIA H100 NVL" pci=00010002:0a:1f.0 \
        id=10de2321 memoryMiB=95830 cc=9.0 mig=off pendingMig=on virtualization=passthrough

        """
}
