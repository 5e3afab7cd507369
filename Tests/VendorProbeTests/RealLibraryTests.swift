import FoundationEssentials
import NodeModel
import Testing
import VendorProbe

/// NVIDIA's own libraries, from the packages of Debian, on a machine without its kernel module.
@Suite struct RealLibraryTests {
    /// A library in a package of Debian, and the functions that the agent can do without there.
    struct Release: Sendable, CustomTestStringConvertible {
        var suite: String
        /// The first number of the driver version, with which the name of the library ends.
        ///
        /// Debian's updates change the rest.
        var branch: Int
        var package: String
        var missing: Set<String> = []
        var testDescription: String { "\(package) of \(suite), \(branch)" }

        static let nvml = [
            Release(
                suite: "bookworm",
                branch: 470,
                package: "libnvidia-tesla-470-ml1",
                missing: since570.union(since550).union(since535).union(since525)
            ),
            Release(
                suite: "bookworm",
                branch: 525,
                package: "libnvidia-tesla-ml1",
                missing: since570.union(since550).union(since535)
            ),
            Release(
                suite: "bookworm",
                branch: 535,
                package: "libnvidia-ml1",
                missing: since570.union(since550)
            ),
            Release(
                suite: "trixie",
                branch: 535,
                package: "libnvidia-tesla-535-ml1",
                missing: since570.union(since550)
            ),
            Release(suite: "trixie", branch: 550, package: "libnvidia-ml1", missing: since570),
            Release(suite: "experimental", branch: 555, package: "libnvidia-ml1", missing: since570),
        ]

        static let cuda = [
            Release(suite: "bookworm", branch: 470, package: "libnvidia-tesla-470-cuda1"),
            Release(suite: "bookworm", branch: 535, package: "libcuda1"),
            Release(suite: "trixie", branch: 550, package: "libcuda1"),
            Release(suite: "experimental", branch: 555, package: "libcuda1"),
        ]

        private static let since525: Set = [
            "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetGpuInstanceProfileInfoV", "nvmlDeviceGetGpuFabricInfo",
            "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v3",
            "nvmlDeviceGetGspFirmwareVersion", "nvmlDeviceGetGspFirmwareMode",
        ]
        private static let since535: Set = [
            "nvmlSystemGetConfComputeState", "nvmlSystemGetConfComputeGpusReadyState",
            "nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetSramEccErrorStatus", "nvmlDeviceGetModuleId",
        ]
        private static let since550: Set = [
            "nvmlSystemGetConfComputeSettings", "nvmlDeviceGetGpuFabricInfoV", "nvmlDeviceGetNumaNodeId",
        ]
        private static let since570: Set = [
            "nvmlSystemGetDriverBranch", "nvmlDeviceGetTemperatureV", "nvmlDeviceGetRepairStatus",
            "nvmlDeviceGetAddressingMode",
        ]
    }

    /// A missing function that is required would be a failure of another kind.
    @Test(arguments: Release.nvml)
    func loadsAndSaysThatTheDriverIsNotLoaded(_ release: Release) async throws {
        let nvml = try await facts(nvml: try await library("libnvidia-ml.so", of: release), cuda: nil).nvml
        #expect(nvml == .unreadable(ReadFailure(.vendor, "nvmlInit_v2: 9 NVML_ERROR_DRIVER_NOT_LOADED")))
        #expect(nvml.failure.flatMap(NVMLFailure.init)?.kind == .driverNotLoaded)
    }

    /// The real library of CUDA loads, and it names its error itself.
    @Test(arguments: Release.cuda)
    func cudaFindsNoDevice(_ release: Release) async throws {
        let cuda = try await facts(nvml: nil, cuda: try await library("libcuda.so", of: release)).cuda.value
        let device = try #require(cuda?.first)
        #expect(cuda?.count == 1 && !device.works && device.fault == nil)
        #expect(device.result == 100 && device.errorName == "CUDA_ERROR_NO_DEVICE")
        #expect(device.failedCall == "cuInit" && device.deviceCount == 0)
    }

    /// The stand-in of the same version has the same functions, as far as the agent calls them.
    @Test(arguments: Release.nvml)
    func hasTheFunctionsThatItsBranchHas(_ release: Release) async throws {
        try await compare(release, "libnvidia-ml.so", header: "gpa_nvml.h", prefix: "nvml")
    }

    @Test(arguments: Release.cuda)
    func cudaHasAllFunctions(_ release: Release) async throws {
        try await compare(release, "libcuda.so", header: "gpa_cuda.h", prefix: "cu")
    }

    private func compare(_ release: Release, _ name: String, header: String, prefix: String) async throws {
        let functions = try Toolbox.read("\(Toolbox.repository)/Sources/CVendor/include/\(header)")
            .matches(of: /(REQUIRED|OPTIONAL)\(\s*\\?\s*(\w+),/)
            .filter { $0.2 != "name" }.map { (isRequired: $0.1 == "REQUIRED", symbol: "\(prefix)\($0.2)") }
        let library = try await library(name, of: release)
        let real = try await symbols(of: library)
        #expect(functions.allSatisfy { !$0.isRequired || real.contains($0.symbol) })
        let asked = Set(functions.map(\.symbol))
        #expect(asked.subtracting(real) == release.missing)
        let version = try #require(library.ranges(of: ".so.").last.map { String(library[$0.upperBound...]) })
        let directory = try await StandIns.shared.directory(version: version, defines: "")
        let standIn = try await symbols(of: "\(directory)/\(name).\(version)")
        #expect(asked.intersection(standIn) == asked.intersection(real))
    }

    private func facts(nvml: String?, cuda: String?) async throws -> VendorFacts {
        try await Toolbox.withDirectory { scratch in
            let prober = VendorProber(
                program: Toolbox.agent,
                libraries: VendorLibraries(nvml: nvml, cuda: cuda),
                companions: [],
                scratch: scratch
            )
            return await prober.facts()
        }
    }

    private func symbols(of library: String) async throws -> Set<String> {
        let lines = try await Toolbox.run("nm", ["--dynamic", "--defined-only", library]).split(separator: "\n")
        return Set(lines.compactMap { $0.split(separator: " ").last.map(String.init) })
    }

    /// The path of the real library, which comes from Debian's archive.
    private func library(_ name: String, of release: Release) async throws -> String {
        if FileManager.default.fileExists(atPath: "/proc/driver/nvidia/version") {
            try Test.cancel("this machine has the driver of a GPU")
        }
        let package = DebianPackage(suite: release.suite, component: "non-free", name: release.package)
        let path = try await package.path(of: "\(name).*")
        guard path.contains("\(name).\(release.branch).") else {
            try Test.cancel("Debian \(release.suite) has another branch: \(path)")
        }
        return path
    }
}
