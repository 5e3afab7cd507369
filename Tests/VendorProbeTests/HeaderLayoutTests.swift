import FoundationEssentials
import Testing
import VendorProbe

/// Compares this project's declarations of NVML with NVIDIA's header.
///
/// The compiler of this machine compiles both.
@Suite struct HeaderLayoutTests {
    private static let ours = CHeader(path: "\(Toolbox.repository)/Sources/CVendor/include/gpa_nvml.h")

    /// The common name of each type that the headers name differently.
    private static let names = Dictionary(HeaderLayout.all.map { ($0.theirs, $0.ours) }) { first, _ in first }
        .merging(HeaderLayout.typeNames) { first, _ in first }

    @Test func everyStructOfOurHeaderIsCompared() throws {
        let include = "\(Toolbox.repository)/Sources/CVendor/include"
        let text = try ["types", "mig", "events"].map { try Toolbox.read("\(include)/gpa_nvml_\($0).h") }.joined()
        let structs = text.matches(of: /\} (gpa_\w+_t);/).map { String($0.1) }
        #expect(Set(structs) == Set(HeaderLayout.all.map(\.ours)))
    }

    /// A version of NVIDIA's header, and what of the newest header it does not have.
    struct Header: Sendable, CustomTestStringConvertible {
        var package: String
        var version: String
        /// The structs, with the constants that are named after them.
        var lacksStructs: [String] = []
        var lacksFunctions: [String] = []
        var testDescription: String { "\(package) \(version)" }

        var header: CHeader {
            get async throws {
                CHeader(path: try await PythonPackage(name: package, version: version).path(of: "nvml.h"))
            }
        }

        static let all = [
            Header(package: "nvidia-nvml-dev", version: "13.5.37"),
            Header(
                package: "nvidia-nvml-dev-cu12",
                version: "12.9.79",
                lacksStructs: [
                    "nvmlDeviceAddressingMode_v1_t", "nvmlRepairStatus_v1_t", "nvmlGpuFabricInfo_v3_t",
                ],
                lacksFunctions: ["nvmlDeviceGetAddressingMode", "nvmlDeviceGetRepairStatus"]
            ),
        ]
    }

    @Test(arguments: Header.all)
    func ourDeclarationsAreThoseOfNVIDIA(_ version: Header) async throws {
        let header = try await version.header
        let layouts = HeaderLayout.all.filter { !version.lacksStructs.contains($0.theirs) }
        let constants = HeaderLayout.constants.filter { row in
            !version.lacksStructs.contains { $0.hasPrefix(row.0) }
        }
        let theirs = try await header.values(
            layouts: layouts.map { ($0.theirs, $0.members.map(\.theirs)) },
            constants: constants.map(\.0)
        )
        let ours = try await Self.ours.values(
            layouts: layouts.map { ($0.ours, $0.members.map(\.ours)) },
            constants: constants.map(\.1)
        )
        #expect(theirs.count == layouts.reduce(constants.count) { $0 + 1 + $1.members.count })
        #expect(ours == theirs)
        let text = try Toolbox.read(header.path)
        for name in version.lacksStructs { #expect(!text.contains("} \(name);"), "\(name)") }
    }

    /// Each function has the parameters of NVIDIA's: as many, with the same kind of type and as many indirections.
    @Test(arguments: Header.all)
    func ourFunctionsHaveTheParametersOfNVIDIA(_ version: Header) async throws {
        let text = try Toolbox.read(try await version.header.path)
        let theirs = text.matches(of: /nvmlReturn_t\s+DECLDIR\s+nvml(\w+)\(([^()]*)\);/)
            .reduce(into: [String: [String]]()) {
                $0[String($1.1)] = CHeader.parameters(String($1.2), names: Self.names)
            }
        let ours = try Toolbox.read(Self.ours.path).matches(
            of: /(?:REQUIRED|OPTIONAL)\(\s*\\?\s*(\w+),([^()]*)\)/
        )
        var missing: [String] = []
        #expect(ours.count > 60)
        // The macros themselves have a parameter with this name.
        for function in ours where function.1 != "name" {
            let name = String(function.1)
            guard let expected = theirs[name] else {
                missing.append("nvml\(name)")
                continue
            }
            #expect(CHeader.parameters(String(function.2), names: Self.names) == expected, "nvml\(name)")
        }
        #expect(missing.sorted() == version.lacksFunctions.sorted())
    }

    @Test func ourReturnCodesAreThoseOfNVIDIA() async throws {
        let header = try Toolbox.read(try await Header.all[0].header.path)
        let codes = header.matches(of: /\b(NVML_ERROR_\w+)\s*=\s*(\d+)/).map { (Int32($0.2) ?? -1, String($0.1)) }
        #expect(Dictionary(codes) { first, _ in first } == NVMLReturn.names)
    }
}
