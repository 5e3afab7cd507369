import Agent
import ArgumentParser
import Catalog
import Documents
import Glibc
import NodeModel
import Reporting
import Selection
import Synchronization

/// `catalog mirror`: the driver packages for nodes without a network.
struct CatalogMirrorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror",
        abstract: "Download driver packages into a directory, for nodes without a network.",
        discussion: """
            Without --driver, the command downloads every package that the agent can choose for this node, or for the \
            node whose facts --facts names. It verifies each checksum, and writes \(PackageIndex.fileName) last. To \
            continue after an interruption, run it again. With --kernel, the directory also gets the packages that the \
            build of the kernel modules needs. A node takes its package from the directory with \
            'driver.source: file:///DIR' in the configuration; see docs/offline.md. \
            Exits 0 when the directory has all packages, 1 otherwise.
            """
    )

    @Option(help: ArgumentHelp("The directory for the packages. The command creates it.", valueName: "dir"))
    var to: String
    @Option(
        help: ArgumentHelp(
            "A driver to download. Repeat the option for several drivers.",
            discussion: "An identity as 'catalog list' prints it, VERSION, or VERSION/KIND such as 595.91.07/grid.",
            valueName: "driver"
        )
    )
    var driver: [String] = []
    @Option(
        help: ArgumentHelp(
            "The release of a kernel ('uname -r') for which the packages of the build are downloaded, too.",
            discussion: """
                The kernel headers, a compiler, make, and what they need. Needs root, and a machine with the distribution \
                of the nodes. With dnf, tdnf and zypper, it also needs createrepo_c. Without --driver and --facts, the command downloads only these packages.
                """,
            valueName: "release"
        )
    )
    var kernel: String?
    @Option(
        name: .customLong("fabric-packages"),
        help: ArgumentHelp(
            "The version of a driver whose fabric manager, IMEX and NVLink subnet manager are downloaded, too.",
            discussion: """
                Needs --kernel, and a repository on this machine that has the packages nvidia-fabricmanager or \
                nvidia-imex in exactly this version.
                """,
            valueName: "version"
        )
    )
    var fabricPackages: String?
    @Flag(
        name: .customLong("without-fabric-manager"),
        help: "Leave out NVIDIA's archives with the fabric managers of the drivers."
    )
    var withoutFabricManager = false
    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var facts: FactsOption
    @OptionGroup var format: OutputOption

    func validate() throws {
        guard let fabricPackages else { return }
        guard DriverVersion(fabricPackages) != nil else {
            throw ValidationError("'\(fabricPackages)' is not a driver version such as 580.105.08")
        }
        guard kernel != nil else { throw ValidationError("--fabric-packages needs --kernel") }
    }

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host.withoutRoot, choice: choice, facts: facts)
            let setup = try await source.setup()
            // A machine that only has the network needs no GPU.
            let wantsDrivers = kernel == nil || !driver.isEmpty || facts.facts != nil
            let drivers = try await wantsDrivers ? drivers(source, setup) : []
            let builds = try await builds(source)
            let mirror = PackageMirror(
                drivers: drivers,
                directory: to,
                hasFabricManager: !withoutFabricManager,
                builds: builds,
                downloader: setup.downloader(environment: Settings(host, choice).environment)
            )
            let printer = MirrorPrinter(style: Style.of(STDERR_FILENO, environment: Output.environment))
            let index = try await mirror.run(progress: printer.note)
            try Output.print(index, as: format.output) { text(index, $0) }
        }
    }

    /// The packages for the build on the kernel that the command line names, in the directory.
    private func builds(_ source: NodeSource) async throws -> [PackageBundle] {
        guard let kernel else { return [] }
        let prober = try source.prober()
        Output.complain("packages for the build on the kernel \(kernel)\n")
        let mirror = try BuildPackageMirror(
            kernel: kernel,
            fabric: fabricPackages.flatMap(DriverVersion.init),
            directory: to,
            prober: prober
        )
        let bundle = try await mirror.run(on: prober.operatingSystem)
        let count = bundle.files.count
        Output.complain("      \(count) packages, \(mebibytes(bundle.size)), verified by the package manager\n")
        return [bundle]
    }

    /// The drivers that the command line names, or those for the node.
    private func drivers(_ source: NodeSource, _ setup: Setup) async throws -> [CatalogDriver] {
        guard driver.isEmpty else { return try driver.flatMap { try named($0, in: setup.catalog) } }
        let view = try await source.view()
        if let problem = setup.pool.problem { throw AgentFailure(problem) }
        let possible = Selection(catalog: setup.catalog, policy: setup.policy).possibleDrivers(view.facts)
        guard possible.drivers.isEmpty else { return possible.drivers }
        if let first = possible.decision.problems.first {
            throw AgentFailure(first, others: Array(possible.decision.problems.dropFirst()))
        }
        Output.complain(
            """
            gpu-agent: there is no driver to download: \(possible.decision.summary)
              → Name drivers with --driver, or use the facts of a GPU node (--facts).

            """
        )
        throw ExitStatus.failed
    }

    private func named(_ name: String, in catalog: Catalog) throws -> [CatalogDriver] {
        let found = catalog.drivers.filter { driver in
            [driver.identity, "\(driver.version)", "\(driver.version)/\(driver.kind.rawValue)"].contains(name)
        }
        guard found.isEmpty else { return found }
        let near = nearest(to: name, in: catalog.drivers.flatMap { [$0.identity, "\($0.version)"] })
        Output.complain(
            "gpu-agent: no driver in the catalog matches '\(name)'\(near.map { "; did you mean '\($0)'?" } ?? "")\n"
        )
        throw ExitStatus.usage
    }

    private func text(_ index: PackageIndex, _ style: Style) -> String {
        let builds = (index.builds ?? []).map { build in
            "  \(build.kernel) on \(build.system)  \(build.names.joined(separator: ", ")), \(mebibytes(build.size))\n"
        }
        let rows = index.packages.map { "  \($0.driver)  \($0.fileName), \(mebibytes($0.size))\n" } + builds
        let drivers = index.packages.count { $0.part == nil }
        return """
            \(style.bold(to)) has \(count(drivers, "driver")) and the packages for \
            \(count((index.builds ?? []).count, "kernel")), \(mebibytes(index.size)):
            \(rows.joined())
            Next: make this directory available on each node, for example at /mnt/gpu-drivers. Set in the configuration:

              driver:
                source: file:///mnt/gpu-drivers

            """
    }
}

private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

private func mebibytes(_ bytes: Int) -> String { "\((bytes + 0xfffff) >> 20) MiB" }

/// Writes the progress of `catalog mirror` to standard error.
private final class MirrorPrinter: Sendable {
    private let style: Style
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let shown = Mutex(-1)

    init(style: Style) {
        self.style = style
    }

    func note(_ progress: PackageMirror.Progress) {
        switch progress {
        case .started(let name, let number, let count, let size):
            Output.complain("[\(number)/\(count)] \(name)\(size.map { ", \(mebibytes($0))" } ?? "")\n")
        case .downloaded(let bytes, let total):
            let isNew = shown.withLock { shown in
                defer { shown = bytes >> 20 }
                return shown != bytes >> 20
            }
            guard isTerminal, isNew else { return }
            Output.overwrite("      \(bytes >> 20)\(total.map { " of \(mebibytes($0))" } ?? " MiB")")
        case .retried(let reason):
            if isTerminal { Output.overwrite("") }
            Output.complain("      ! trying again: \(reason)\n")
        case .finished(let before):
            if isTerminal { Output.overwrite("") }
            Output.complain("      \(style.green("√")) \(words(before)), checksum verified\n")
        }
    }

    private func words(_ before: Int?) -> String {
        switch before {
        case nil: "already there"
        case 0?: "downloaded"
        case let before?: "downloaded from byte \(before) on"
        }
    }
}
