import Agent
import FoundationEssentials
import Glibc
import NodeModel
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// Compares the output of the real program for the facts of known nodes with golden files.
@Suite struct PrintedTextTests {
    private static let products = URL(
        filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    ).deletingLastPathComponent().path

    private func agent(_ arguments: [String]) async throws -> (output: String, code: TerminationStatus) {
        let result = try await run(
            .path(FilePath("\(Self.products)/gpu-agent")),
            arguments: Arguments(arguments),
            environment: .inherit.updating(["COLUMNS": "100"]),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        return (result.standardOutput + result.standardError, result.terminationStatus)
    }

    static let nodes: [(name: String, facts: NodeFacts)] = [
        ("rtx-pro-6000", .rtxProVGPU), ("rtx-pro-6000-ready", .rtxProReady), ("h100", .h100),
        ("h100-ready", .h100Ready), ("no-gpu", .noGPU), ("unknown-gpu", .unknownGPU), ("in-the-way", inTheWay),
        ("left-alone", leftAlone), ("degraded", degraded),
    ]

    /// A new node that cannot install a driver, for three reasons.
    private static let inTheWay = NodeFacts.rtxProVGPU.with { facts in
        facts.host.secureBoot = .present(true)
        facts.build.compiler = .absent
        facts.build.headersRelease = .present("5.15.0-1080-azure")
    }

    private static let leftAlone = NodeFacts.h100.with {
        $0.claims.nodeLabels = .present(["cloud.google.com/gke-gpu-driver-version": "latest"])
    }

    /// A GPU that the catalog does not know, with a driver that works.
    private static let degraded = NodeFacts.unknownGPU.with {
        $0.driver = .loaded("595.71.05", .open, kind: .datacenter)
        var gpu = GPUFacts.h100
        gpu.pciAddress = .present($0.gpus[0].address)
        $0.vendor = .answering("595.71.05", gpus: [gpu])
    }

    @Test(arguments: [
        (["statsu"], "gpu-agent: unknown subcommand 'statsu'; did you mean 'status'?"),
        (["instal"], "gpu-agent: unknown subcommand 'instal'; did you mean 'install'?"),
        (["frobnicate"], "gpu-agent: unknown subcommand 'frobnicate'"),
        (["vendor-prob"], "gpu-agent: unknown subcommand 'vendor-prob'"),
        (["catalog", "dif"], "gpu-agent: unknown subcommand 'dif' of catalog; did you mean 'diff'?"),
    ])
    func suggestsTheCommandThatWasMeant(_ arguments: [String], _ message: String) async throws {
        let printed = try await agent(arguments)
        let command = arguments.count > 1 ? "gpu-agent \(arguments[0])" : "gpu-agent"
        #expect(printed.output == message + "\nUsage: \(command) <subcommand>; see '\(command) --help'.\n")
        #expect(printed.code == .exited(2))
    }

    /// The messages of the argument parser have the form of the agent's own messages.
    @Test(arguments: [
        (["status", "--bogus"], "gpu-agent: Unknown option '--bogus'\nUsage: gpu-agent status"),
        (["status", "extra"], "gpu-agent: Unexpected argument 'extra'\nUsage: gpu-agent status"),
        (["status", "--output", "xml"], "gpu-agent: The value 'xml' is invalid for '--output <output>'"),
        (["run", "--interval", "0s"], "gpu-agent: --interval must be 1s or more"),
    ])
    func namesTheProgramInEachMessageAboutUsage(_ arguments: [String], _ message: String) async throws {
        let printed = try await agent(arguments)
        #expect(printed.output.hasPrefix(message), "\(printed.output)")
        #expect(printed.code == .exited(2))
    }

    /// The agent reads the address before it refuses the interval.
    @Test(arguments: [
        ("[::1]:9410", true), ("[::]:0", true), ("127.0.0.1:9410", true), (":9410", true), ("::1:9410", false),
        ("[::1]:65536", false), ("[::1]", false),
    ])
    func listensOnAnAddress(_ address: String, _ isValid: Bool) async throws {
        let printed = try await agent(["run", "--listen", address, "--interval", "0s"])
        #expect(printed.code == .exited(2))
        #expect(printed.output.contains("--interval must be 1s or more") == isValid)
        #expect(printed.output.contains("'\(address)' is invalid for '--listen <host:port>'") != isValid)
    }

    @Test func printsTheFactsOfAFileAsTheyAre() async throws {
        let directory = try TemporaryDirectory()
        let facts = try Rendering.json(NodeFacts.h100Ready)
        try directory.write("facts.json", facts)
        let catalog = ["--catalog-directory", fixture("../../catalog")]
        let printed = try await agent(["facts", "-o", "json", "--facts", directory.path("facts.json")] + catalog)
        #expect(printed.output == facts)
    }

    @Test(.enabled(if: access(Settings.catalogDirectory, F_OK) != 0, "an agent is installed on this machine"))
    func findsTheCatalogOfItsCheckout() async throws {
        let found = try await agent(["catalog", "validate"])
        let named = try await agent(["catalog", "validate", "--catalog-directory", fixture("../../catalog")])
        #expect(found.code == .exited(0))
        #expect(found.output == named.output)
    }

    @Test func saysHowToNameACatalogThatIsMissing() async throws {
        let printed = try await agent(["catalog", "list", "--catalog-directory", "/no/such/directory"])
        #expect(printed.code == .exited(2))
        #expect(printed.output.contains("in /no/such/directory; name the directory of the agent's catalog with"))
    }

    @Test(arguments: ["plan", "status", "validate", "labels"], nodes.map(\.name))
    func showsANode(command: String, name: String) async throws {
        let facts = try #require(Self.nodes.first { $0.name == name }?.facts)
        let directory = try TemporaryDirectory()
        try directory.write("facts.json", try Rendering.json(facts))
        let printed = try await agent(
            [command, "--facts", directory.path("facts.json"), "--catalog-directory", fixture("../../catalog")]
        )
        try expectGolden(printed.output + "\(printed.code)\n", "Goldens/\(command)-\(name).txt")
    }

    /// A copied tree with the traces of several owners.
    ///
    /// The output has no row for an owner without a trace.
    @Test(arguments: [true, false])
    func showsWhoClaimsTheDriver(isClaimed: Bool) async throws {
        let tree = try TemporaryDirectory()
        let function = "sys/bus/pci/devices/0001:00:00.0"
        let ids = [("vendor", "0x10de"), ("device", "0x2321"), ("subsystem_vendor", "0x10de")]
        let more = [("subsystem_device", "0x1839"), ("class", "0x030200"), ("revision", "0xa1")]
        for (name, text) in ids + more { try tree.write("\(function)/\(name)", "\(text)\n") }
        try tree.write("usr/share/misc/pci.ids", "10de  NVIDIA Corporation\n\t2321  GH100 [H100L 94GB]\n")
        if isClaimed { try writeClaims(tree) }
        let printed = try await agent(["facts", "--host-pid", "none", "--host-root", tree.path])
        let sections = printed.output.split(separator: "\n\n").filter { section in
            ["PCI", "Driver", "Claims"].contains { section.hasPrefix($0) }
        }
        let text = sections.joined(separator: "\n\n").replacing(tree.path, with: "…") + "\n"
        try expectGolden(text, "Goldens/facts-\(isClaimed ? "claimed" : "unclaimed").txt")
    }

    private func writeClaims(_ tree: TemporaryDirectory) throws {
        let packages = ["libcuda1", "libnvidia-ml1", "nvidia-dkms-580", "nvidia-driver-580", "nvidia-utils-580"]
        let list = packages.map { "Package: \($0)\nStatus: install ok installed\nVersion: 580.105.08-1\n" }
        try tree.write("var/lib/dpkg/status", list.joined(separator: "\n"))
        try tree.write("var/lib/nvidia/log", "not a version\n")
        try tree.makeDirectory("var/lib/dkms/nvidia/580.105.08/6.8.0-1044-azure/x86_64")
        try tree.makeDirectory("var/lib/dkms/nvidia/570.211.01")
        try tree.write(
            "opt/azure/aks-gpu/dkms-marker",
            "driver_version=580.159.04\ndriver_kind=cuda-lts\nkernel=6.8.0\n"
        )
        try tree.write("run/nvidia/driver/usr/lib64/libnvidia-ml.so.580.105.08", "")
        try tree.link("run/nvidia/driver/usr/lib64/libnvidia-ml.so.1", to: "libnvidia-ml.so.580.105.08")
        try tree.write("run/nvidia/nvidia-driver.pid", "7")
        try tree.write("run/nvidia/validations/.driver-ctr-ready", "")
        try tree.write("etc/systemd/system/nvidia-gridd.service", "")
        // A device that every machine has stands in for the driver's.
        try tree.write("proc/devices", "Character devices:\n  1 nvidia-caps\n")
        for (process, name, target) in [(1, "systemd", "/etc"), (4711, "python3", "/dev/zero")] {
            try tree.write("proc/\(process)/comm", "\(name)\n")
            try tree.link("proc/\(process)/fd/3", to: target)
        }
        for place in ["usr/lib64", "usr/bin/lib64"] {
            let version = place == "usr/lib64" ? "570.211.01" : "580.159.04"
            try tree.write("\(place)/libcuda.so.\(version)", "")
            try tree.link("\(place)/libcuda.so.1", to: "libcuda.so.\(version)")
        }
        let labels = #"{"nvidia.com/gpu.deploy.driver":"pre-installed"}"#
        try tree.write("run/gpu-agent/published.json", #"{"node":"n","labels":{},"ownerLabels":\#(labels)}"#)
    }

    @Test(arguments: [
        "", "status", "validate", "plan", "install", "uninstall", "facts", "labels", "catalog", "run", "unpublish",
        "version", "mig", "wait", "config",
    ])
    func helpsANewcomer(command: String) async throws {
        let arguments = command.isEmpty ? ["--help"] : [command, "--help"]
        let printed = try await agent(arguments)
        try expectGolden(printed.output, "Goldens/help\(command.isEmpty ? "" : "-")\(command).txt")
    }

    @Test(arguments: [
        ("azure", ["10de:2bb5", "1414:2187", "--platform", "azure"]),
        (
            "host-570",
            [
                "10de:2236", "10de:14bf", "--platform", "azure", "--host-driver", "570.158.01", "--kernel",
                "6.8.0-1044-azure", "--os", "Ubuntu 22.04",
            ]
        ),
        ("kernel", ["10de:2236", "10de:14bf", "--platform", "azure", "--kernel", "6.11.0-1018-azure"]),
        ("unknown", ["10de:ffff"]), ("no-subsystem", ["10de:2bb5"]),
        ("swapped", ["1414:2187", "10DE:2BB5", "--platform", "azure", "--kernel", "6.8.0-1044-azure"]),
        ("one-word", ["10de:2bb5/10de:204e", "--os", "Ubuntu 22.04"]),
        ("no-kernel", ["10de:2bb5", "--kernel", "azure"]),
        ("no-system", ["10de:2bb5", "--os", "ubuntu 22.04 lts"]), ("no-id", ["10de:2bb5", "2187"]),
        ("three-ids", ["10de:2bb5/1414:2187", "10de:2bb5"]),
        ("no-platform", ["10de:2bb5", "1414:2187", "--platform", "oracle"]),
    ])
    func explainsAChoice(name: String, arguments: [String]) async throws {
        let printed = try await agent(
            ["catalog", "explain"] + arguments + ["--catalog-directory", fixture("Goldens/catalog")]
        )
        try expectGolden(printed.output + "\(printed.code)\n", "Goldens/catalog-explain-\(name).txt")
    }

    @Test(arguments: [
        ("validate", ["validate"]), ("validate-strict", ["validate", "--strict", "--catalog", "overlay.yaml"]),
        ("validate-wrong", ["validate", "--catalog", "wrong.yaml"]), ("diff", ["diff", "--catalog", "overlay.yaml"]),
        ("list", ["list"]), ("list-types", ["list", "vgpu-types"]), ("show", ["show", "dc-4-96q"]),
        ("show-driver", ["show", "grid-azure-570.211.01-x86_64"]), ("list-platforms", ["list", "platforms"]),
        ("show-nothing", ["show", "voodoo"]), ("list-xids", ["list", "xids"]), ("show-xid", ["show", "31"]),
    ])
    func looksIntoTheCatalog(name: String, arguments: [String]) async throws {
        let files = fixture("Goldens")
        let given = arguments.map { $0.hasSuffix(".yaml") ? "\(files)/\($0)" : $0 }
        let printed = try await agent(["catalog"] + given + ["--catalog-directory", "\(files)/catalog"])
        let text = printed.output.replacing(files, with: "…")
        try expectGolden(text + "\(printed.code)\n", "Goldens/catalog-\(name).txt")
    }
}
