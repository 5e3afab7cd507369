import FoundationEssentials
import NodeModel
import Testing
import VendorProbe

/// NVIDIA's own libnvidia-ml, from the packages of Debian, on a machine without its kernel module.
@Suite struct RealLibraryTests {
    /// A release of Debian, the driver version in it, and the functions that the agent can do without there.
    struct Release: Sendable, CustomTestStringConvertible {
        var suite: String
        var version: String
        var missing: Set<String>
        var testDescription: String { "\(suite), \(version)" }

        static let all = [
            Release(
                suite: "bookworm",
                version: "535.261.03",
                missing: [
                    "nvmlSystemGetDriverBranch", "nvmlSystemGetConfComputeSettings", "nvmlDeviceGetGpuFabricInfoV",
                    "nvmlDeviceGetNumaNodeId", "nvmlDeviceGetTemperatureV", "nvmlDeviceGetRepairStatus",
                    "nvmlDeviceGetAddressingMode",
                ]
            ),
            Release(
                suite: "trixie",
                version: "550.163.01",
                missing: [
                    "nvmlSystemGetDriverBranch", "nvmlDeviceGetTemperatureV", "nvmlDeviceGetRepairStatus",
                    "nvmlDeviceGetAddressingMode",
                ]
            ),
        ]
    }

    /// A missing function that is required would be a failure of another kind.
    @Test(arguments: Release.all)
    func loadsAndSaysThatTheDriverIsNotLoaded(_ release: Release) async throws {
        let library = try await library(of: release)
        let nvml = try await Toolbox.withDirectory { scratch in
            let prober = VendorProber(
                program: Toolbox.agent,
                libraries: VendorLibraries(nvml: library, cuda: nil),
                companions: [],
                scratch: scratch
            )
            return await prober.facts().nvml
        }
        #expect(nvml == .unreadable(ReadFailure(.vendor, "nvmlInit_v2: 9 NVML_ERROR_DRIVER_NOT_LOADED")))
        #expect(nvml.failure.flatMap(NVMLFailure.init)?.kind == .driverNotLoaded)
    }

    /// The stand-in of the same branch has the same functions, as far as the agent calls them.
    @Test(arguments: Release.all)
    func hasTheFunctionsThatItsBranchHas(_ release: Release) async throws {
        let header = try Toolbox.read("\(Toolbox.repository)/Sources/CVendor/include/gpa_nvml.h")
        let functions = header.matches(of: /(REQUIRED|OPTIONAL)\(\s*\\?\s*(\w+),/)
            .filter { $0.2 != "name" }.map { (isRequired: $0.1 == "REQUIRED", symbol: "nvml\($0.2)") }
        let real = try await symbols(of: try await library(of: release))
        #expect(functions.allSatisfy { !$0.isRequired || real.contains($0.symbol) })
        let asked = Set(functions.map(\.symbol))
        #expect(asked.subtracting(real) == release.missing)
        let directory = try await StandIns.shared.directory(version: release.version, defines: "")
        let standIn = try await symbols(of: "\(directory)/libnvidia-ml.so.\(release.version)")
        #expect(asked.intersection(standIn) == asked.intersection(real))
    }

    private func symbols(of library: String) async throws -> Set<String> {
        let lines = try await Toolbox.run("nm", ["--dynamic", "--defined-only", library]).split(separator: "\n")
        return Set(lines.compactMap { $0.split(separator: " ").last.map(String.init) })
    }

    /// The path of the real library, which comes from Debian's archive.
    private func library(of release: Release) async throws -> String {
        if FileManager.default.fileExists(atPath: "/proc/driver/nvidia/version") {
            try Test.cancel("this machine has the driver of a GPU")
        }
        let name = "libnvidia-ml.so.\(release.version)"
        do {
            let cached = "real-\(release.suite)-\(release.version)"
            let directory = try await DownloadCache.shared.directory(cached) { directory in
                try await Toolbox.withDirectory { scratch in
                    let file = try await Self.download(release, to: scratch)
                    try await Toolbox.run("install", ["-m", "0644", file, "\(directory)/\(name)"])
                }
            }
            return "\(directory)/\(name)"
        } catch let error as DownloadCache.Unavailable {
            try Test.cancel("\(error.reason)")
        }
    }

    /// The path of the library below `directory`, which gets the package.
    private static func download(_ release: Release, to directory: String) async throws -> String {
        let key = "/usr/share/keyrings/debian-archive-keyring.gpg"
        let source = "deb [signed-by=\(key)] http://deb.debian.org/debian \(release.suite) non-free\n"
        try Toolbox.write(source, to: "\(directory)/sources.list")
        for name in ["lists/partial", "cache/archives/partial"] {
            try FileManager.default.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
        }
        let options = [
            "Dir::Etc::sourcelist=\(directory)/sources.list", "Dir::Etc::sourceparts=-",
            "Dir::State::lists=\(directory)/lists", "Dir::Cache=\(directory)/cache", "APT::Sandbox::User=root",
            "Acquire::Retries=1", "Acquire::http::Timeout=20",
        ].flatMap { ["-o", $0] }
        let script = """
            cd '\(directory)'
            apt-get "$@" -qq update
            apt-get "$@" -qq download libnvidia-ml1
            dpkg-deb -x libnvidia-ml1_*.deb root
            """
        do { try await Toolbox.run("sh", ["-ec", script, "sh"] + options) } catch {
            throw DownloadCache.Unavailable(reason: "Debian's archive does not give libnvidia-ml1: \(error)")
        }
        let find = ["\(directory)/root", "-type", "f", "-name", "libnvidia-ml.so.*"]
        let found = try await Toolbox.run("find", find)
        let file = String(try #require(found.split(separator: "\n").first))
        guard file.hasSuffix(release.version) else {
            throw DownloadCache.Unavailable(reason: "Debian \(release.suite) has another version: \(file)")
        }
        return file
    }
}
