import NodeModel

/// Asks dnf which packages the repositories of a host offer.
///
/// It reads the cache that the host has, and loads nothing: the cache is as old as the last `dnf makecache`. What a
/// stream of a module hides is not offered.
struct DnfRepoquery: Sendable {
    let commands: HostCommands
    /// How long each question may take.
    let deadline: Duration

    /// The number of packages that the agent considers: NVIDIA's repository keeps all versions.
    private static let limit = 500

    /// The packages whose names match a pattern, in any order.
    ///
    /// - Parameters:
    ///   - patterns: Names of packages, with the wildcards of a shell.
    ///   - options: Further options of `dnf repoquery`.
    ///   - skipsUnavailable: Whether a repository without a cache is left out. Otherwise it is an error.
    /// - Returns: The packages, with their versions (`EPOCH:VERSION-RELEASE`) and vendors.
    /// - Throws: When dnf fails, for example without a cache.
    func packages(
        _ patterns: [String],
        options: [String] = [],
        skipsUnavailable: Bool
    ) async throws(HostError) -> [OfferedPackage] {
        let command =
            [
                "dnf", "-q", "-C", "--setopt=exit_on_lock=True",
                "--setopt=*.skip_if_unavailable=\(skipsUnavailable ? "True" : "False")", "repoquery", "--available",
                // dnf 5 needs the newline, and dnf 4 adds another one.
                "--queryformat", "%{name}|%{evr}|%{vendor}\n",
            ] + options + patterns
        let output = try await commands.run(command, deadline: deadline, environment: ["LC_ALL": "C"])
        return Self.parse(output.output)
    }

    /// Reads the output of `dnf repoquery`: a line `NAME|VERSION|VENDOR` for each package.
    static func parse(_ output: String) -> [OfferedPackage] {
        let packages: [OfferedPackage] = output.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3 else { return nil }
            let vendor = fields[2].isEmpty || fields[2] == "(none)" ? nil : String(fields[2].prefix(100))
            return OfferedPackage(printedName: fields[0], version: fields[1], vendor: vendor)
        }
        return Array(packages.prefix(limit))
    }
}
