package import NodeModel

/// Asks the package manager of a host which prebuilt kernel modules the repositories offer.
///
/// It reads the index that the host has, and changes nothing: the index of apt is as old as the last `apt-get update`.
package struct PrebuiltProbe: Sendable {
    private let root: HostRoot
    private let commands: HostCommands?
    /// How long each question to the package manager may take.
    private let deadline: Duration

    package init(root: HostRoot, commands: HostCommands?, deadline: Duration = .seconds(10)) {
        self.root = root
        self.commands = commands
        self.deadline = deadline
    }

    /// The number of packages with modules that the agent considers, the newest branches first.
    private static let limit = 6

    /// The packages of a distribution for a kernel; absent when there are no modules for it.
    package func packages(
        for kernel: String,
        of distribution: any PrebuiltDistribution
    ) async -> Reading<[OfferedPackage]> {
        guard let commands else { return .skipped("the agent runs no commands on the host") }
        do throws(HostError) {
            guard distribution.manager == .dpkg else {
                // dnf reads all its metadata for each question.
                let dnf = DnfRepoquery(commands: commands, deadline: deadline * 3)
                return try await DnfPrebuiltProbe(dnf: dnf).packages(for: kernel)
            }
            let names = try await modules(for: kernel, commands)
            guard !names.isEmpty else { return try await AptIndex(root: root).withoutOffers() }
            let policy = ["apt-cache", "policy"] + Self.related(to: names, kernel)
            let output = try await commands.run(policy, deadline: deadline, environment: ["LC_ALL": "C"])
            let offered = Self.parse(output.output)
            return offered.contains { names.contains($0.name) } ? .present(offered) : .absent
        } catch { return .unreadable(ReadFailure(error)) }
    }

    /// The names of the packages with modules for a kernel that apt knows.
    private func modules(for kernel: String, _ commands: HostCommands) async throws(HostError) -> [String] {
        // All names together can be more than the agent reads of an output.
        let script = """
            names=$(apt-cache pkgnames "$2") || exit
            for name in $names; do case $name in *-"$1") echo "$name" ;; esac; done
            """
        let command = ["sh", "-c", script, "prebuilt-modules", kernel, UbuntuModules.prefix]
        let output = try await commands.run(command, deadline: deadline).output
        let known = output.split(whereSeparator: \.isNewline).compactMap { line in
            UbuntuModules.kind(of: String(line), kernel: kernel).map { (name: String(line), branch: $0.branch) }
        }
        return known.sorted { ($1.branch, $0.name) < ($0.branch, $1.name) }.prefix(Self.limit).map(\.name)
    }

    /// The packages with modules, and those that belong to them.
    static func related(to modules: [String], _ kernel: String) -> [String] {
        let others = modules.compactMap { UbuntuModules.kind(of: $0, kernel: kernel) }.flatMap { branch, type in
            UbuntuModules.needed(branch: branch, type) + UbuntuModules.further(branch: branch)
                + [UbuntuModules.fabricManager(branch: branch)]
        }
        return modules + Set(others).sorted()
    }

    /// Whether a text is a version of a Debian package; `(none)` is not.
    private static func isVersion(_ text: Substring) -> Bool {
        !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".+~:-".contains($0)) }
    }

    /// Reads the output of `apt-cache policy`: a name at the beginning of a line, and its candidate below it.
    static func parse(_ output: String) -> [OfferedPackage] {
        var offered: [OfferedPackage] = []
        var name: String?
        for line in output.split(whereSeparator: \.isNewline) {
            if line.first != " ", line.last == ":" {
                name = String(line.dropLast())
            } else if line.hasPrefix("  Candidate: "), let package = name {
                let version = line.dropFirst("  Candidate: ".count)
                if isVersion(version) { offered.append(OfferedPackage(name: package, version: String(version))) }
                name = nil
            }
        }
        return offered
    }
}
