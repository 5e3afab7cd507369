import Agent
import ArgumentParser
import Catalog
import NodeModel
import Reporting
import Selection

/// `catalog explain`: the decision for a GPU, without a node.
struct CatalogExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Print which driver a GPU would get, and why the other drivers are rejected.",
        discussion: """
            Use the IDs that 'lspci -nn' prints: the PCI ID and the subsystem ID, in either order, or as one \
            argument with a slash between them. Without a subsystem ID, the command assumes a physical board, and \
            lists the vGPU types that have the same PCI ID. \
            Example: gpu-agent catalog explain 10de:2bb5 1414:2187 --platform azure. \
            Exits 0 when there is a driver to install, 1 when there is none.
            """
    )

    @Argument(help: ArgumentHelp("The PCI ID of the GPU.", valueName: "id"))
    var gpu: String
    @Argument(help: ArgumentHelp("The subsystem ID of the GPU.", valueName: "subsystem"))
    var subsystem: String?
    @Option(help: ArgumentHelp("The name of the platform in the catalog. Default: none.", valueName: "name"))
    var platform: String?
    @Option(help: "The processor architecture: x86_64 or aarch64.")
    var architecture: Architecture = .x86_64
    @Option(
        help: ArgumentHelp(
            "The driver version of the vGPU host, as the PCI capability VF of the GPU reports it.",
            valueName: "version"
        )
    )
    var hostDriver: String?
    @Option(help: ArgumentHelp("The kernel release ('uname -r'). Default: any.", valueName: "release"))
    var kernel: String?
    @Option(
        name: .customLong("os"),
        help: ArgumentHelp(
            "The operating system, such as 'ubuntu 22.04' (ID and VERSION_ID in os-release). Default: unknown.",
            valueName: "system"
        )
    )
    var system: String?
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var labels: NodeLabelsOption
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let setup = try Setup.load(
                choice.settings,
                labels: labels.labels.map { .present($0.labels) } ?? .skipped("the command line has no --labels")
            )
            if let problem = setup.pool.problem {
                Output.complain(
                    "gpu-agent: this answer is for the top level of the configuration. \(problem.observed)\n"
                )
            }
            let (id, board) = try ids(setup.catalog)
            if let kernel, KernelVersion(kernel) == nil {
                throw wrong("'\(kernel)' is not a kernel release such as 6.8.0-1044-azure")
            }
            if let hostDriver, DriverVersion(hostDriver) == nil {
                throw wrong("'\(hostDriver)' is not a driver version such as 595.58.03")
            }
            let rule = system.map { SystemRule($0.lowercased()) }
            if let system, rule == .some(nil) {
                throw wrong("'\(system)' is not an operating system such as 'ubuntu 22.04'")
            }
            let cloud = setup.catalog.platforms.first { $0.name == platform }
            if let platform, cloud == nil {
                let names = setup.catalog.platforms.map(\.name).joined(separator: ", ")
                throw wrong("'\(platform)' is not a platform in the catalog; the platforms are \(names)")
            }
            let host = HostFacts(
                kernelRelease: kernel.map { .present($0) } ?? .absent,
                architecture: .present(architecture),
                osRelease: rule.flatMap(\.self).map {
                    .present(OSRelease(id: $0.id, versionID: $0.version, prettyName: nil))
                } ?? .absent,
                dmi: cloud.map {
                    .present(
                        DMIFacts(systemVendor: $0.systemVendor, productName: nil, chassisAssetTag: $0.chassisAssetTag)
                    )
                } ?? .absent,
                bootID: .absent,
                secureBoot: .absent
            )
            let facts = NodeFacts.imagined(id, board, host, hostDriver)
            var explanation = Explanation(facts, catalog: setup.catalog, policy: setup.policy)
            if isWithoutSubsystem { explanation.addAlternatives(of: id, in: setup.catalog) }
            try Output.print(explanation, as: format.output) { explanation.text($0) }
            guard explanation.decision.action == .install else { throw ExitStatus.failed }
        }
    }

    /// The PCI ID and the subsystem ID of the GPU, in whichever order the command line has them.
    private func ids(_ catalog: Catalog) throws -> (PCIID, PCIID?) {
        let words = [gpu, subsystem].compactMap(\.self).flatMap { $0.split(separator: "/").map(String.init) }
        let ids = try words.map { word in
            guard let id = PCIID(word) else { throw wrong("'\(word)' is not a PCI ID such as 10de:2bb5") }
            return id
        }
        guard let first = ids.first, ids.count <= 2 else {
            throw wrong("too many IDs; name one GPU by its PCI ID and its subsystem ID")
        }
        // Without a subsystem ID, the answer is about the physical board.
        guard let second = ids.dropFirst().first else { return (first, catalog.gpus[first]?.subsystems.first) }
        return catalog.mayBeGPU(second) > catalog.mayBeGPU(first) ? (second, first) : (first, second)
    }

    private var isWithoutSubsystem: Bool { subsystem == nil && !gpu.contains("/") }

    private func wrong(_ what: String) -> ExitCode {
        Output.complain("gpu-agent: \(what)\n")
        return ExitStatus.usage
    }
}

extension Architecture: ExpressibleByArgument {}

extension Catalog {
    /// Rates how likely an ID is a PCI ID of a GPU: 2 when the catalog has it, 1 for another ID of NVIDIA, else 0.
    fileprivate func mayBeGPU(_ id: PCIID) -> Int {
        guard id.vendor == PCIFunction.nvidiaVendor else { return 0 }
        return gpus[id] != nil || vgpuTypes.keys.contains { $0.device == id.device } ? 2 : 1
    }
}

extension NodeFacts {
    /// The facts of a node with one GPU, without other facts about the hardware.
    fileprivate static func imagined(
        _ id: PCIID,
        _ subsystem: PCIID?,
        _ host: HostFacts,
        _ hostDriver: String?
    ) -> NodeFacts {
        let capability = hostDriver.map { VGPUCapability(hostDriverVersion: $0, hostDriverBranch: nil) }
        let gpu = PCIFunction(
            address: PCIAddress(domain: 0, bus: 1, device: 0, function: 0),
            id: id,
            subsystem: subsystem.map { .present($0) } ?? .absent,
            classCode: 0x0302,
            vgpuCapability: capability.map { .present($0) } ?? .absent
        )
        return NodeFacts(
            host: host,
            pci: .present([gpu]),
            driver: .absent,
            claims: .skipped("the agent did not inspect a node"),
            build: BuildFacts(compiler: .absent, make: .absent, dkms: .absent, headersRelease: .absent, freeSpace: []),
            vendor: .absent
        )
    }
}
