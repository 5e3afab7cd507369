package import NodeModel

/// Asks the package manager of a host for the packages that set up NVLink.
///
/// It reads the index that the host has, and changes nothing.
package struct FabricPackageProbe: Sendable {
    /// The package managers with which the agent installs these packages.
    package enum Manager: String, Sendable {
        case apt = "apt-get"
        case dnf
        case tdnf
        case zypper
    }

    private let manager: Manager
    private let root: HostRoot
    private let commands: HostCommands?
    /// How long the question may take.
    private let deadline: Duration

    package init(
        _ manager: Manager,
        root: HostRoot,
        commands: HostCommands?,
        deadline: Duration = .seconds(20)
    ) {
        self.manager = manager
        self.root = root
        self.commands = commands
        self.deadline = deadline
    }

    /// The most packages that are listed: NVIDIA's repository keeps all versions.
    private static let limit = 500

    /// The packages, of the subnet manager and of its diagnostics the newest version first.
    ///
    /// - Returns: Absent when the repositories offer none of them; unreadable when the package manager has no index.
    package func packages() async -> Reading<[OfferedPackage]> {
        guard let commands else { return .skipped("the agent runs no commands on the host") }
        do throws(HostError) {
            switch manager {
            case .apt: break
            // dnf reads all its metadata for each question.
            case .dnf: return try await packages(of: DnfRepoquery(commands: commands, deadline: deadline * 3))
            case .tdnf:
                let offered = try await TdnfList(commands: commands, deadline: deadline).packages(Self.patterns)
                return offered.map { Array($0.prefix(Self.limit)) }
            case .zypper:
                let offered = try await ZypperSearch(commands: commands, deadline: deadline).packages(Self.patterns)
                return offered.isEmpty ? .absent : .present(Array(offered.prefix(Self.limit)))
            }
            let environment = ["LC_ALL": "C"]
            let output = try await commands.run(Self.command, deadline: deadline, environment: environment).output
            let offered = Self.parse(output)
            guard !offered.isEmpty else { return try await AptIndex(root: root).withoutOffers() }
            return .present(Array(offered.prefix(Self.limit)))
        } catch { return .unreadable(ReadFailure(error)) }
    }

    /// The packages in the cache of dnf, whose answer is not sorted by version.
    private func packages(of dnf: DnfRepoquery) async throws(HostError) -> Reading<[OfferedPackage]> {
        let patterns = FabricPackages.prefixes.map { "\($0)*" }
        let options = ["--arch", "\(Self.architecture),noarch", "--exclude", "*-devel*"]
        let offered = try await dnf.packages(patterns, options: options, skipsUnavailable: true)
        guard !offered.isEmpty else {
            // Without the cache of a repository, dnf leaves it out. Now it must say so, because such an answer is none.
            _ = try await dnf.packages(patterns, options: options, skipsUnavailable: false)
            return .absent
        }
        let others = [FabricPackages.subnetManager, FabricPackages.diagnostics]
        let newest = try await dnf.packages(others, options: options + ["--latest-limit=1"], skipsUnavailable: true)
        return .present(offered + newest)
    }

    /// The names of all packages, with the wildcards of a shell.
    private static let patterns =
        FabricPackages.prefixes.map { "\($0)*" } + [FabricPackages.subnetManager, FabricPackages.diagnostics]

    /// The architecture of the node, as rpm names it.
    private static var architecture: String {
        #if arch(arm64)
        "aarch64"
        #else
        "x86_64"
        #endif
    }

    private static let command: [String] = {
        let script = """
            names=
            for prefix in \(FabricPackages.prefixes.joined(separator: " ")); do
                found=$(apt-cache pkgnames "$prefix") || exit
                names="$names $found"
            done
            exec apt-cache madison $names "$@"
            """
        return ["sh", "-c", script, "fabric-packages", FabricPackages.subnetManager, FabricPackages.diagnostics]
    }()

    /// Reads the output of `apt-cache madison`: `NAME | VERSION | REPOSITORY Packages`.
    static func parse(_ output: String) -> [OfferedPackage] {
        output.split(whereSeparator: \.isNewline).compactMap { line in
            let parts = line.split(separator: "|").map { String($0).trimmed }
            guard parts.count == 3, parts[2].hasSuffix(" Packages") else { return nil }
            return OfferedPackage(printedName: parts[0], version: parts[1])
        }
    }
}
