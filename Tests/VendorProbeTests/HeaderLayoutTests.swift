import FoundationEssentials
import Testing
import VendorProbe

/// Compares this project's declarations with NVIDIA's header.
///
/// The compiler of this machine compiles both.
@Suite struct HeaderLayoutTests {
    private struct Layout {
        var theirs: String
        var ours: String
        var members: [(theirs: String, ours: String)]
    }

    private static let layouts = [
        Layout(
            theirs: "nvmlPciInfo_t",
            ours: "gpa_nvml_pci_info_t",
            members: [
                ("busIdLegacy", "bus_id_legacy"), ("domain", "domain"), ("bus", "bus"), ("device", "device"),
                ("pciDeviceId", "pci_device_id"), ("pciSubSystemId", "pci_subsystem_id"), ("busId", "bus_id"),
            ]
        ),
        Layout(
            theirs: "nvmlMemory_t",
            ours: "gpa_nvml_memory_t",
            members: [("total", "total"), ("free", "free"), ("used", "used")]
        ),
        Layout(
            theirs: "nvmlMemory_v2_t",
            ours: "gpa_nvml_memory_v2_t",
            members: [
                ("version", "version"), ("total", "total"), ("reserved", "reserved"), ("free", "free"),
                ("used", "used"),
            ]
        ),
        Layout(
            theirs: "nvmlDeviceAttributes_t",
            ours: "gpa_nvml_device_attributes_t",
            members: [
                ("multiprocessorCount", "multiprocessor_count"), ("sharedCopyEngineCount", "shared_copy_engine_count"),
                ("sharedDecoderCount", "shared_decoder_count"), ("sharedEncoderCount", "shared_encoder_count"),
                ("sharedJpegCount", "shared_jpeg_count"), ("sharedOfaCount", "shared_ofa_count"),
                ("gpuInstanceSliceCount", "gpu_instance_slice_count"),
                ("computeInstanceSliceCount", "compute_instance_slice_count"), ("memorySizeMB", "memory_size_mib"),
            ]
        ),
        Layout(
            theirs: "nvmlGridLicenseExpiry_t",
            ours: "gpa_nvml_grid_license_expiry_t",
            members: [
                ("year", "year"), ("month", "month"), ("day", "day"), ("hour", "hour"), ("min", "minute"),
                ("sec", "second"), ("status", "status"),
            ]
        ),
        Layout(
            theirs: "nvmlGridLicensableFeature_t",
            ours: "gpa_nvml_grid_licensable_feature_t",
            members: [
                ("featureCode", "feature_code"), ("featureState", "feature_state"), ("licenseInfo", "license_info"),
                ("productName", "product_name"), ("featureEnabled", "feature_enabled"),
                ("licenseExpiry", "license_expiry"),
            ]
        ),
        Layout(
            theirs: "nvmlGridLicensableFeatures_t",
            ours: "gpa_nvml_grid_licensable_features_t",
            members: [
                ("isGridLicenseSupported", "is_grid_license_supported"),
                ("licensableFeaturesCount", "licensable_features_count"),
                ("gridLicensableFeatures", "grid_licensable_features"),
            ]
        ),
    ]

    /// The constants in both headers, and the values of the virtualization modes in the order of the agent's
    /// enumeration.
    private static let constants = [
        ("nvmlMemory_v2", "GPA_NVML_MEMORY_V2_VERSION"),
        ("NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE", "GPA_NVML_VERSION_SIZE"),
        ("NVML_SYSTEM_NVML_VERSION_BUFFER_SIZE", "GPA_NVML_VERSION_SIZE"),
        ("NVML_DEVICE_NAME_V2_BUFFER_SIZE", "GPA_NVML_NAME_SIZE"),
        ("NVML_DEVICE_UUID_V2_BUFFER_SIZE", "GPA_NVML_UUID_SIZE"),
        ("NVML_GSP_FIRMWARE_VERSION_BUF_SIZE", "GPA_NVML_GSP_FIRMWARE_VERSION_SIZE"),
        ("NVML_SUCCESS", "0"), ("sizeof(nvmlReturn_t)", "sizeof(gpa_nvml_return_t)"),
        ("sizeof(nvmlDevice_t)", "sizeof(gpa_nvml_device_t)"),
        ("NVML_GPU_VIRTUALIZATION_MODE_NONE", "0"), ("NVML_GPU_VIRTUALIZATION_MODE_PASSTHROUGH", "1"),
        ("NVML_GPU_VIRTUALIZATION_MODE_VGPU", "2"), ("NVML_GPU_VIRTUALIZATION_MODE_HOST_VGPU", "3"),
        ("NVML_GPU_VIRTUALIZATION_MODE_HOST_VSGA", "4"),
    ]

    private static let ourHeader = "\(Toolbox.repository)/Sources/CVendor/include/gpa_nvml.h"

    @Test func everyStructOfOurHeaderIsCompared() throws {
        let text = try Toolbox.read(Self.ourHeader)
        let structs = text.matches(of: /\} (gpa_\w+_t);/).map { String($0.1) }
        #expect(Set(structs).subtracting(["gpa_nvml_functions_t"]) == Set(Self.layouts.map(\.ours)))
    }

    @Test(arguments: [("nvidia-nvml-dev", "13.5.37"), ("nvidia-nvml-dev-cu12", "12.9.79")])
    func ourDeclarationsAreThoseOfNVIDIA(package: String, version: String) async throws {
        let header = try await nvidiaHeader(package, version)
        let theirs = try await values(
            header: header,
            layouts: Self.layouts.map { ($0.theirs, $0.members.map(\.theirs)) },
            constants: Self.constants.map(\.0)
        )
        let ours = try await values(
            header: Self.ourHeader,
            layouts: Self.layouts.map { ($0.ours, $0.members.map(\.ours)) },
            constants: Self.constants.map(\.1)
        )
        #expect(theirs.count == Self.layouts.reduce(Self.constants.count) { $0 + 1 + $1.members.count })
        #expect(ours == theirs)
    }

    @Test func ourReturnCodesAreThoseOfNVIDIA() async throws {
        let header = try Toolbox.read(try await nvidiaHeader("nvidia-nvml-dev", "13.5.37"))
        let codes = header.matches(of: /\b(NVML_ERROR_\w+)\s*=\s*(\d+)/).map { (Int32($0.2) ?? -1, String($0.1)) }
        #expect(Dictionary(codes) { first, _ in first } == NVMLReturn.names)
    }

    /// The path of the real `nvml.h`, which comes from the package index and is cached in the build directory.
    private func nvidiaHeader(_ package: String, _ version: String) async throws -> String {
        let directory = "\(Toolbox.cache)/\(package)-\(version)"
        if !FileManager.default.fileExists(atPath: directory) {
            try await Toolbox.withDirectory { download in
                do {
                    let options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", download]
                    try await Toolbox.run("python3", ["-m", "pip", "download"] + options + ["\(package)==\(version)"])
                } catch {
                    try Test.cancel("pip cannot get \(package) \(version): \(error)")
                }
                let wheel = try #require(try FileManager.default.contentsOfDirectory(atPath: download).first)
                try await Toolbox.run("python3", ["-m", "zipfile", "-e", "\(download)/\(wheel)", "\(download)/out"])
                try FileManager.default.createDirectory(atPath: Toolbox.cache, withIntermediateDirectories: true)
                try await Toolbox.run("cp", ["-r", "\(download)/out", directory])
            }
        }
        let found = try await Toolbox.run("find", [directory, "-name", "nvml.h"])
        return String(try #require(found.split(separator: "\n").first))
    }

    /// The sizes, offsets and constants that a compiled program prints, one on each line.
    private func values(
        header: String,
        layouts: [(type: String, members: [String])],
        constants: [String]
    ) async throws -> [String] {
        var lines: [String] = []
        for (type, members) in layouts {
            lines.append(#"printf("%zu\n", sizeof(\#(type)));"#)
            for member in members {
                let size = "sizeof(((\(type) *)0)->\(member))"
                lines.append(#"printf("%zu+%zu\n", offsetof(\#(type), \#(member)), \#(size));"#)
            }
        }
        lines += constants.map { #"printf("%lld\n", (long long)(\#($0)));"# }
        let source = """
            #include <stddef.h>
            #include <stdio.h>
            #define _Nonnull
            #define _Nullable
            #include "\(header)"
            int main(void) {
            \(lines.joined(separator: "\n"))
            return 0;
            }
            """
        return try await Toolbox.withDirectory { directory in
            try Toolbox.write(source, to: "\(directory)/print.c")
            try await Toolbox.run("gcc", ["-o", "\(directory)/print", "\(directory)/print.c"])
            return try await Toolbox.run("\(directory)/print", []).split(separator: "\n").map(String.init)
        }
    }
}
