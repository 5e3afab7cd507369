import Agent
import ArgumentParser
import GPUNode

/// `catalog explain`: a choice without a node.
struct CatalogExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say which driver a GPU would get, and why every other driver would not.",
        discussion: """
            The ids are those of 'lspci -nn': vendor and device, and the subsystem's. \
            Example: gpu-agent catalog explain 10de:2bb5 1414:2187 --platform azure. \
            Exits 0 when there is a driver to install, 1 when there is none.
            """
    )

    @Argument(help: ArgumentHelp("The GPU's vendor and device id.", valueName: "id"))
    var gpu: String
    @Argument(help: ArgumentHelp("Its subsystem's vendor and device id.", valueName: "subsystem"))
    var subsystem: String?
    @Option(help: ArgumentHelp("The cloud, by the catalog's name; none when left out.", valueName: "name"))
    var platform: String?
    @Option(help: "The processor: x86_64 or aarch64.")
    var architecture: Architecture = .x86_64
    @Option(
        help: ArgumentHelp("The driver on the vGPU host, which the GPU's VF capability tells.", valueName: "version")
    )
    var hostDriver: String?
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let setup = try Setup.load(choice.settings)
            guard let id = PCIID(gpu) else { throw wrong("'\(gpu)' is not a pair of ids such as 10de:2bb5") }
            let board = subsystem.flatMap(PCIID.init)
            if let subsystem, board == nil {
                throw wrong("'\(subsystem)' is not a pair of ids such as 1414:2187")
            }
            let cloud = setup.catalog.platforms.first { $0.name == platform }
            if let platform, cloud == nil {
                let names = setup.catalog.platforms.map(\.name).joined(separator: ", ")
                throw wrong("no platform is called '\(platform)'; there are \(names)")
            }
            let facts = NodeFacts.imagined(
                id,
                board,
                cloud.map {
                    DMIFacts(systemVendor: $0.systemVendor, productName: nil, chassisAssetTag: $0.chassisAssetTag)
                },
                architecture,
                hostDriver
            )
            let explanation = Explanation(setup, facts)
            try Output.print(explanation, as: format.output) { explanation.text($0) }
            guard explanation.decision.action != .blocked else { throw ExitStatus.failed }
        }
    }

    private func wrong(_ what: String) -> ExitCode {
        Output.complain("gpu-agent: \(what)\n")
        return ExitStatus.usage
    }
}

extension Architecture: ExpressibleByArgument {}

/// A decision, and what is to be said of every driver of its kind.
struct Explanation: Encodable {
    var apiVersion = NodeFacts.currentAPIVersion
    var kind = "Explanation"
    var decision: Decision
    /// Drivers that fit, and lose to the one that was taken.
    var older: [String]

    init(_ setup: Setup, _ facts: NodeFacts) {
        decision = Selection(catalog: setup.catalog, policy: setup.policy).decide(facts)
        let rejected = Set(decision.rejected.map(\.driver))
        let target = decision.driver
        older = setup.catalog.drivers.filter {
            $0.kind == target?.kind && $0.artifact != target?.artifact && !rejected.contains($0.identity)
        }.map(\.identity)
    }

    func text(_ style: Style) -> String {
        var lines = [style.bold(decision.action.rawValue) + ": \(decision.summary)"]
        lines += EvidenceText.lines(decision.evidence).map { "  \($0)" }
        if let artifact = decision.driver?.artifact { lines += artifact.urls.map { "  package  \($0)" } }
        lines += decision.problems.flatMap { problem in
            [
                "  \(style.red("×")) \(problem.code.rawValue): \(problem.observed)",
                "      expected \(problem.expected)", "      → \(problem.remedy)",
            ]
        }
        let losers =
            older.map { "  \($0): fits, and is older" }
            + decision.rejected.map { "  \($0.driver): \($0.reason)" }
        if !losers.isEmpty { lines += ["", style.bold("Other drivers of this kind")] + losers }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension NodeFacts {
    /// A node that has one GPU, and of which nothing else is known.
    fileprivate static func imagined(
        _ id: PCIID,
        _ subsystem: PCIID?,
        _ dmi: DMIFacts?,
        _ architecture: Architecture,
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
            host: HostFacts(
                kernelRelease: .absent,
                architecture: .present(architecture),
                osRelease: .absent,
                dmi: dmi.map { .present($0) } ?? .absent,
                bootID: .absent,
                secureBoot: .absent
            ),
            pci: .present([gpu]),
            driver: DriverFacts(
                loadedVersion: .absent,
                runningModule: .absent,
                moduleFile: .absent,
                nvmlLibrary: .absent,
                cudaLibrary: .absent,
                gridDaemon: .absent,
                loadedModules: .absent,
                nouveauLoaded: .absent,
                deviceNodes: .absent,
                record: .absent
            ),
            claims: .skipped("no node was looked at"),
            build: BuildFacts(compiler: .absent, make: .absent, dkms: .absent, headersRelease: .absent, freeSpace: []),
            vendor: .absent
        )
    }
}
