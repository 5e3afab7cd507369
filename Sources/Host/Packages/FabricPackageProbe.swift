package import NodeModel

/// Asks the package manager of a host for the packages that set up NVLink.
///
/// It reads the index that the host has, and changes nothing.
package struct FabricPackageProbe: Sendable {
    private let root: HostRoot
    private let commands: HostCommands?
    /// How long the question to the package manager may take.
    private let deadline: Duration

    package init(root: HostRoot, commands: HostCommands?, deadline: Duration = .seconds(20)) {
        self.root = root
        self.commands = commands
        self.deadline = deadline
    }

    /// The most packages that are listed: NVIDIA's repository keeps all versions.
    private static let limit = 500

    /// The packages, in the order of the package manager: the newest version of each comes first.
    ///
    /// - Parameter program: The package manager, `apt-get` or `dnf`.
    /// - Returns: Absent when the repositories offer none of them, or when the agent does not know the package manager.
    package func packages(with program: String) async -> Reading<[OfferedPackage]> {
        guard let commands else { return .skipped("the agent runs no commands on the host") }
        guard let command = Self.command(program) else { return .absent }
        do throws(HostError) {
            let output = try await commands.run(command, deadline: deadline, environment: ["LC_ALL": "C"]).output
            let offered = program == "dnf" ? Self.parseDnf(output) : Self.parseMadison(output)
            return offered.isEmpty ? .absent : .present(Array(offered.prefix(Self.limit)))
        } catch { return .unreadable(ReadFailure(error)) }
    }

    private static func command(_ program: String) -> [String]? {
        let single = [FabricPackages.subnetManager, FabricPackages.diagnostics]
        switch program {
        case "apt-get":
            let script = """
                names=
                for prefix in \(FabricPackages.prefixes.joined(separator: " ")); do
                    found=$(apt-cache pkgnames "$prefix") || exit
                    names="$names $found"
                done
                exec apt-cache madison $names "$@"
                """
            return ["sh", "-c", script, "fabric-packages"] + single
        case "dnf":
            // The cache is as old as the last use of dnf. Without one, dnf fails, and the agent asks no network here.
            let form = "%{name} %{version}-%{release}\n"
            return ["dnf", "-q", "-C", "repoquery", "--available", "--showduplicates", "--qf", form]
                + FabricPackages.prefixes.map { "\($0)*" } + single
        default: return nil
        }
    }

    /// Reads the output of `apt-cache madison`: `NAME | VERSION | REPOSITORY Packages`.
    static func parseMadison(_ output: String) -> [OfferedPackage] {
        output.split(whereSeparator: \.isNewline).compactMap { line in
            let parts = line.split(separator: "|").map { String($0).trimmed }
            guard parts.count == 3, parts[2].hasSuffix(" Packages") else { return nil }
            return package(parts[0], parts[1])
        }
    }

    /// Reads lines `NAME VERSION-RELEASE`, the oldest version first.
    static func parseDnf(_ output: String) -> [OfferedPackage] {
        output.split(whereSeparator: \.isNewline).reversed().compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            return words.count == 2 ? package(words[0], words[1]) : nil
        }
    }

    /// A package, if both texts are such that a shell and a package manager take them for nothing else.
    private static func package(_ name: String, _ version: String) -> OfferedPackage? {
        let isPlain = [name, version].allSatisfy { text in
            text.first.map { $0 != "-" } ?? false
                && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".+~:-_".contains($0)) }
        }
        return isPlain ? OfferedPackage(name: name, version: version) : nil
    }
}
