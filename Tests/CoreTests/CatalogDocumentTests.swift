import Catalog
import Documents
import NodeModel
import Support
import Testing

@Suite struct CatalogDocumentTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        var yaml: String
        var problems: [String]
        var testDescription: String { problems.first ?? yaml }

        init(_ yaml: String, _ problems: String...) {
            self.yaml = yaml
            self.problems = problems
        }
    }

    static let sha = String(repeating: "0a", count: 32)
    static func artifact(_ fields: String) -> String {
        """
        drivers:
          - version: 580.105.08
            kind: datacenter
            architecture: x86_64
            kernelModuleTypes: [open]
            artifact: {\(fields)}
        """
    }

    static let faults: [Fault] = [
        Fault("gpu: []", "1:1: unknown key 'gpu' in the catalog; did you mean 'gpus'?"),
        Fault("pictures: []", "1:1: unknown key 'pictures' in the catalog"),
        Fault("gpus: []\ngpus: []", "2:1: duplicate key 'gpus' in the catalog"),
        Fault("[a]: b", "1:1: a key of the catalog must be a string"),
        Fault("gpus: none", "1:7: gpus must be a list"),
        Fault("gpus: [12]", "1:8: a GPU must be a mapping"),
        Fault("mode: append", "1:7: mode 'append' is not one of extend, replace"),
        Fault(
            "gpus:\n  - name: X",
            "2:5: a GPU needs 'id'",
            "2:5: a GPU needs 'architecture'",
            "2:5: a GPU needs 'kernelModuleTypes'"
        ),
        Fault(
            "gpus: [{id: 2bb5, name: X, architecture: y, kernelModuleTypes: [open]}]",
            "1:13: id '2bb5' is not a pair of PCI IDs such as 10de:2bb5"
        ),
        Fault(
            "gpus: [{id: 10de:2bb5, name: '', architecture: [], kernelModuleTypes: []}]",
            "1:30: name must be a non-empty string",
            "1:48: architecture must be a non-empty string",
            "1:71: kernelModuleTypes must name at least one type"
        ),
        Fault(
            "gpus: [{id: 10de:2bb5, name: X, architecture: y, kernelModuleTypes: [closed], subsystems: [204e]}]",
            "1:92: a subsystem '204e' is not a pair of PCI IDs such as 10de:2bb5",
            "1:70: a kernel module type 'closed' is not one of open, proprietary"
        ),
        Fault(
            "gpus: [{id: 10de:2bb5, name: X, architecture: y, kernelModuleTypes: [open], minBranch: 595, maxBranch: 580}]",
            "1:8: minBranch 595 is greater than maxBranch 580"
        ),
        Fault(
            "gpus: [{id: 10de:2bb5, name: X, architecture: y, kernelModuleTypes: [open], minBranch: r580, maxBranch: 0}]",
            "1:88: minBranch 'r580' is not a whole number greater than 0",
            "1:105: maxBranch '0' is not a whole number greater than 0"
        ),
        Fault(
            """
            gpus:
              - id: 10de:2bb5
                name: X
                architecture: y
                kernelModuleTypes: [open]
                memoryMiB: 96 GB
                migProfiles: [1g.24gb+gfx, 1g, g.24gb, 1g.24gbx]
                mmioGiB: 0
                fabricManager: maybe
            """,
            "6:16: memoryMiB '96 GB' is not a whole number greater than 0",
            "7:32: a profile '1g' is not a MIG profile such as 1g.10gb",
            "7:36: a profile 'g.24gb' is not a MIG profile such as 1g.10gb",
            "7:44: a profile '1g.24gbx' is not a MIG profile such as 1g.10gb",
            "8:14: mmioGiB '0' is not a whole number greater than 0",
            "9:20: fabricManager 'maybe' is not one of with-nvswitch, always"
        ),
        Fault(
            """
            gpus:
              - {id: 10de:2bb5, name: X, architecture: y, kernelModuleTypes: [open]}
              - {id: 10DE:2BB5, name: Y, architecture: y, kernelModuleTypes: [open]}
            """,
            "3:5: duplicate entry '10de:2bb5' in gpus; the first one is on line 4"
        ),
        Fault(
            "vgpuTypes: [{device: 10de:2bb5, subsystem: 1, name: X, kernelModuleTypes: [open]}]",
            "1:22: device '10de:2bb5' is not four hexadecimal digits",
            "1:44: subsystem '1' is not four hexadecimal digits"
        ),
        Fault(
            "vgpuTypes: [{device: +bb5, subsystem: '2187', name: X, kernelModuleTypes: [open]}]",
            "1:22: device '+bb5' is not four hexadecimal digits"
        ),
        Fault(
            "vgpuTypes: [{}]",
            "1:13: a vGPU type needs 'device'",
            "1:13: a vGPU type needs 'subsystem'",
            "1:13: a vGPU type needs 'name'",
            "1:13: a vGPU type needs 'kernelModuleTypes'"
        ),
        Fault(
            """
            vgpuTypes:
              - {device: 2bb5, subsystem: 2187, name: X, kernelModuleTypes: [open]}
              - {device: 2bb5, subsystem: 2187, name: Y, kernelModuleTypes: [open]}
            """,
            "3:5: duplicate entry '2bb5:2187' in vgpuTypes; the first one is on line 4"
        ),
        Fault(
            """
            vgpuTypes:
              - device: 2bb5
                kernelModuleTypes: [open]
                subsystem: 2187
                types: {2187: X, 21: Y, 2188: '', 2187: Z}
            """,
            "4:5: unknown key 'subsystem' in a vGPU type",
            "5:22: a subsystem '21' is not four hexadecimal digits",
            "5:35: a type's name must be a non-empty string",
            "5:39: duplicate entry '2bb5:2187' in vgpuTypes; the first one is on line 7"
        ),
        Fault(
            "vgpuTypes: [{device: 2bb5, kernelModuleTypes: [open], types: []}]",
            "1:62: types must be a mapping of subsystem device IDs to names"
        ),
        Fault("platforms: [{name: azure}]", "1:13: a platform needs 'systemVendor' or 'chassisAssetTag'"),
        Fault("platforms: [{systemVendor: X}]", "1:13: a platform needs 'name'"),
        Fault(
            "platforms: [{name: a, sysVendor: X, chassisAssetTag: 1}]",
            "1:23: unknown key 'sysVendor' in a platform; did you mean 'systemVendor'?"
        ),
        Fault(
            "platforms: [{name: a, systemVendor: X}, {name: a, systemVendor: Y}]",
            "1:41: duplicate entry 'a' in platforms; the first one is on line 3"
        ),
        Fault(
            "drivers: [{}]",
            "1:11: a driver needs 'version'",
            "1:11: a driver needs 'kind'",
            "1:11: a driver needs 'architecture'",
            "1:11: a driver needs 'kernelModuleTypes'",
            "1:11: a driver needs 'artifact'"
        ),
        Fault(
            """
            drivers:
              - version: 580
                kind: tesla
                platform: azure
                architecture: amd64
                kernelModuleTypes: open
                channel: beta
                vgpuRelease: twenty
                artifact: here
            """,
            "2:14: version '580' is not a driver version such as 580.105.08",
            "3:11: kind 'tesla' is not one of grid, datacenter",
            "5:19: architecture 'amd64' is not one of x86_64, aarch64",
            "6:24: kernelModuleTypes must be a list",
            "7:14: channel 'beta' is not one of production, lts, new-feature",
            "8:18: vgpuRelease 'twenty' is not a vGPU release such as 20.2",
            "9:15: an artifact must be a mapping"
        ),
        Fault(
            """
            drivers:
              - version: 580.105.08
                kind: datacenter
                platform: azure
                architecture: x86_64
                kernelModuleTypes: [open]
                artifact: {urls: [https://example.com/a.run]}
            """,
            "4:15: remove 'platform': a datacenter driver works on every platform"
        ),
        Fault(
            artifact("urls: [https://example.com/a.run]") + "\n"
                + artifact("urls: [https://example.com/b.run]").split(separator: "\n").dropFirst()
                .joined(separator: "\n"),
            "7:5: duplicate entry 'datacenter-580.105.08-x86_64' in drivers; the first one is on line 4"
        ),
        Fault(artifact("sha256: \(sha)"), "6:15: an artifact needs 'urls'"),
        Fault(artifact("urls: []"), "6:22: urls must name at least one URL"),
        Fault(artifact("urls: https://example.com/a.run"), "6:22: urls must be a list"),
        Fault(
            artifact("urls: [https://example.com/a.run], sha256: 0a0a"),
            "6:59: sha256 '0a0a' is not 64 hexadecimal digits"
        ),
        Fault(
            artifact("urls: [https://example.com/a.run], sha512: \(sha)"),
            "6:59: sha512 '\(sha)' is not 128 hexadecimal digits"
        ),
        Fault(
            artifact("urls: [https://example.com/a.run], sha256: \(sha), sha512: \(sha)\(sha)"),
            "6:133: give only one checksum, either sha256 or sha512"
        ),
        Fault(
            artifact("urls: [https://example.com/a.run], size: 4e8"),
            "6:57: size '4e8' is not a whole number greater than 0"
        ),
        Fault(
            artifact("urls: [https://example.com/a.run], sha265: \(sha)"),
            "6:51: unknown key 'sha265' in an artifact; did you mean 'sha256'?"
        ),
    ]

    static func limited(_ fields: String) -> String {
        "drivers: [{version: 580.1, kind: datacenter, architecture: x86_64, kernelModuleTypes: [open],"
            + " artifact: {urls: [https://example.com/a.run]},\n\(fields)}]"
    }

    static let limits: [Fault] = [
        Fault(limited("kernels: {}"), "2:10: kernels needs 'min' or 'max'"),
        Fault(limited("kernels: '6.8'"), "2:10: kernels must be a mapping"),
        Fault(
            limited("kernels: {max: 6.8, maxi: 6.9}"),
            "2:21: unknown key 'maxi' in kernels; did you mean 'max'?"
        ),
        Fault(
            limited("kernels: {min: 6, max: 6.8.0-1044-azure}"),
            "2:16: min '6' is not a kernel version such as 6.8",
            "2:24: max '6.8.0-1044-azure' is not a kernel version such as 6.8"
        ),
        Fault(limited("kernels: {min: 06.8}"), "2:16: min '06.8' is not a kernel version such as 6.8"),
        Fault(limited("kernels: {min: 6.9, max: 6.8}"), "2:10: min 6.9 is greater than max 6.8"),
        Fault(limited("kernels: {min: 6.10, max: 6.8.5}"), "2:10: min 6.10 is greater than max 6.8.5"),
        Fault(limited("systems: []"), "2:10: systems must name at least one system"),
        Fault(limited("systems: ubuntu"), "2:10: systems must be a list"),
        Fault(
            limited("systems: [ubuntu 22.04, Ubuntu, rhel 8 9, [x]]"),
            "2:25: a system 'Ubuntu' is not an os-release ID, with or without a version, such as ubuntu 22.04",
            "2:33: a system 'rhel 8 9' is not an os-release ID, with or without a version, such as ubuntu 22.04",
            "2:43: a system must be a non-empty string"
        ),
    ]

    @Test(arguments: faults + limits)
    func reportsEachFaultAtItsPlace(_ fault: Fault) throws {
        #expect(try catalogProblems(fault.yaml) == fault.problems)
    }

    @Test func reportsTheFaultsOfTheWholeFileAtOnce() throws {
        let problems = try catalogProblems("mood: x\ngpus: [{}]\nplatforms: [{}]\ndrivers: [{}]\nvgpuTypes: 5\n")
        #expect(problems.count == 1 + 4 + 2 + 5 + 1)
        #expect(Set(problems.compactMap { $0.split(separator: ":").first }) == ["1", "2", "3", "4", "5"])
    }

    @Test(arguments: [
        ("kind: DriverCatalog\n", ["c:1:1: the catalog needs 'apiVersion'"]),
        (
            "apiVersion: gpu-agent/v2\nkind: Catalog\n",
            [
                "c:1:13: apiVersion is 'gpu-agent/v2' and must be 'gpu-agent/v1'",
                "c:2:7: kind is 'Catalog' and must be 'DriverCatalog'",
            ]
        ),
        ("- a\n", ["c:1:1: the catalog must be a mapping"]),
    ])
    func refusesADocumentOfAnotherKind(_ text: String, _ expected: [String]) throws {
        guard case .failure(let found) = CatalogDocument.read(try YAMLDocument.parse(text, file: "c")) else {
            Issue.record("was read")
            return
        }
        #expect(found.description.split(separator: "\n").map(String.init) == expected)
    }

    @Test(arguments: [
        "ftp://example.com/a.run", "file:///etc/passwd", "example.com/a.run", "https://example.com", "https:///a.run",
        "https://example.com/", "https://example.com/.", "https://example.com/..", "https://example.com/.hidden",
        "https://example.com/a%2e.run", "https://example.com/a.run#x", "https://example.com/a;b.run",
        "https://example.com/$(id).run", "https://example.com/a b.run", "https://example.com/ä.run",
        "HTTPS://example.com/a.run", "https://example.com/?f=/a.run", "https://?example.com/a.run",
    ])
    func refusesURLsWhoseNameIsUnsafeAsAFile(_ url: String) throws {
        let problems = try catalogProblems(Self.artifact("urls: ['\(url)']"))
        #expect(problems == ["6:23: a URL '\(url)' is not an http or https URL that ends in a file name"])
    }

    @Test func refusesAURLThatIsNotPrintable() throws {
        let problems = try catalogProblems(Self.artifact(#"urls: ["https://example.com/\e[2J/a.run"]"#))
        #expect(problems.count == 1)
    }

    @Test func refusesAChecksumInOtherThanASCIIDigits() throws {
        let wide = String(repeating: "０", count: 21) + "0"
        #expect(wide.utf8.count == 64)
        let problems = try catalogProblems(Self.artifact("urls: [https://example.com/a.run], sha256: \(wide)"))
        #expect(problems.count == 1)
    }

    @Test func readsEveryFieldOfADriver() throws {
        let text = """
            mode: replace
            drivers:
              - version: 595.91.07
                kind: grid
                platform: azure
                architecture: aarch64
                kernelModuleTypes: [proprietary]
                channel: new-feature
                kernels: {min: 5.4, max: "6.8"}
                systems: [ubuntu 22.04, rhel 8, debian]
                vgpuRelease: "20.2"
                artifact:
                  urls: ["http://mirror.example/x/y/NVIDIA+a_b-1.run?token=1/2", https://example.com/z.run]
                  sha512: \(Self.sha.uppercased())\(Self.sha)
                  size: 420000000
            """
        let document = try readCatalog(text)
        let driver = try #require(document.catalog.drivers.first)
        #expect(document.mode == .replace)
        #expect(driver.identity == "grid-azure-595.91.07-aarch64")
        #expect(driver.kernelModuleTypes == [.proprietary])
        #expect(driver.channel == .newFeature)
        #expect(driver.kernels == KernelRange(first: KernelVersion("5.4"), last: KernelVersion("6.8")))
        #expect(driver.kernels?.description == "5.4 to 6.8")
        #expect(driver.systems.map(\.description) == ["ubuntu 22.04", "rhel 8", "debian"])
        #expect(driver.vgpuRelease == "20.2")
        #expect(driver.artifact.urls.count == 2)
        #expect(driver.artifact.fileName == "NVIDIA+a_b-1.run")
        #expect(driver.artifact.digest == Checksum(.sha512, Self.sha + Self.sha))
        #expect(driver.artifact.size == 420_000_000)
    }

    @Test(arguments: [("min: 5.4", "5.4 and newer"), ("max: 6.8", "up to 6.8"), ("min: 6.8, max: 6.8", "6.8 to 6.8")])
    func oneEndOfTheKernelsMayBeLeftOut(_ kernels: String, _ range: String) throws {
        let document = try readCatalog(Self.limited("kernels: {\(kernels)}"))
        #expect(document.catalog.drivers.map { $0.kernels?.description } == [range])
    }

    @Test func keepsADriverWithoutAChecksum() throws {
        let document = try readCatalog(Self.artifact("urls: [https://example.com/a.run]"))
        #expect(document.catalog.drivers.map(\.artifact.digest) == [nil])
        #expect(document.mode == .extend)
    }
}
