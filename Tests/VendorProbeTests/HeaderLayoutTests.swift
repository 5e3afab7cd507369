import FoundationEssentials
import Testing
import VendorProbe

/// Compares this project's declarations with NVIDIA's header.
///
/// The compiler of this machine compiles both.
@Suite struct HeaderLayoutTests {
    private static let ourHeader = "\(Toolbox.repository)/Sources/CVendor/include/gpa_nvml.h"

    @Test func everyStructOfOurHeaderIsCompared() throws {
        let include = "\(Toolbox.repository)/Sources/CVendor/include"
        let text = try ["types", "events"].map { try Toolbox.read("\(include)/gpa_nvml_\($0).h") }.joined()
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
        let header = try await nvidiaHeader(version.package, version.version)
        let layouts = HeaderLayout.all.filter { !version.lacksStructs.contains($0.theirs) }
        let constants = HeaderLayout.constants.filter { row in
            !version.lacksStructs.contains { $0.hasPrefix(row.0) }
        }
        let theirs = try await values(
            header: header,
            layouts: layouts.map { ($0.theirs, $0.members.map(\.theirs)) },
            constants: constants.map(\.0)
        )
        let ours = try await values(
            header: Self.ourHeader,
            layouts: layouts.map { ($0.ours, $0.members.map(\.ours)) },
            constants: constants.map(\.1)
        )
        #expect(theirs.count == layouts.reduce(constants.count) { $0 + 1 + $1.members.count })
        #expect(ours == theirs)
        let text = try Toolbox.read(header)
        for name in version.lacksStructs { #expect(!text.contains("} \(name);"), "\(name)") }
    }

    /// Each function has the parameters of NVIDIA's: as many, with the same kind of type and as many indirections.
    @Test(arguments: Header.all)
    func ourFunctionsHaveTheParametersOfNVIDIA(_ version: Header) async throws {
        let text = try Toolbox.read(try await nvidiaHeader(version.package, version.version))
        let theirs = text.matches(of: /nvmlReturn_t\s+DECLDIR\s+nvml(\w+)\(([^()]*)\);/)
            .reduce(into: [String: [String]]()) { $0[String($1.1)] = Self.parameters(String($1.2)) }
        let ours = try Toolbox.read(Self.ourHeader).matches(
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
            #expect(Self.parameters(String(function.2)) == expected, "nvml\(name)")
        }
        #expect(missing.sorted() == version.lacksFunctions.sorted())
    }

    /// The types of the parameters, in one spelling for both headers.
    private static func parameters(_ list: String) -> [String] {
        let structs = Dictionary(HeaderLayout.all.map { ($0.theirs, $0.ours) }) { first, _ in first }
        let names = structs.merging(HeaderLayout.typeNames) { first, _ in first }
        return list.split(separator: ",").map { parameter in
            let stars = String(repeating: "*", count: parameter.count { $0 == "*" })
            var words = parameter.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
                .filter { !["_Nonnull", "_Nullable", "const", "unsigned", "struct"].contains($0) }
            // Without the name of the parameter; `long long` is one type.
            if words.first == "long" { words.removeFirst() }
            let type = words.first ?? ""
            return (names[type] ?? (type.hasPrefix("nvml") ? "int" : type)) + stars
        }
    }

    @Test func ourReturnCodesAreThoseOfNVIDIA() async throws {
        let header = try Toolbox.read(try await nvidiaHeader("nvidia-nvml-dev", "13.5.37"))
        let codes = header.matches(of: /\b(NVML_ERROR_\w+)\s*=\s*(\d+)/).map { (Int32($0.2) ?? -1, String($0.1)) }
        #expect(Dictionary(codes) { first, _ in first } == NVMLReturn.names)
    }

    /// The path of the real `nvml.h`, which comes from the package index of Python.
    private func nvidiaHeader(_ package: String, _ version: String) async throws -> String {
        do {
            let directory = try await DownloadCache.shared.directory("\(package)-\(version)") { directory in
                try await Toolbox.withDirectory { download in
                    do {
                        let options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", download]
                        let arguments = ["-m", "pip", "download"] + options + ["\(package)==\(version)"]
                        try await Toolbox.run("python3", arguments)
                    } catch {
                        throw DownloadCache.Unavailable(reason: "pip cannot get \(package) \(version): \(error)")
                    }
                    let wheel = try #require(try FileManager.default.contentsOfDirectory(atPath: download).first)
                    try await Toolbox.run("python3", ["-m", "zipfile", "-e", "\(download)/\(wheel)", directory])
                }
            }
            let found = try await Toolbox.run("find", [directory, "-name", "nvml.h"])
            return String(try #require(found.split(separator: "\n").first))
        } catch let error as DownloadCache.Unavailable {
            try Test.cancel("\(error.reason)")
        }
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
