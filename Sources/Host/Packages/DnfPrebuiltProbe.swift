import NodeModel

/// Asks dnf which prebuilt kernel modules the repositories offer.
///
/// It reads the cache that the host has, and loads nothing: the cache is as old as the last `dnf makecache`. What a
/// stream of a module hides is not offered.
struct DnfPrebuiltProbe: Sendable {
    let commands: HostCommands
    /// How long each question may take.
    let deadline: Duration

    /// The number of packages that the agent considers.
    private static let limit = 200

    /// All versions of the packages for a kernel; absent when there are no modules for it.
    func packages(for kernel: String) async throws(HostError) -> Reading<[OfferedPackage]> {
        // Nobody builds modules for such a kernel.
        guard let kernel = RedHatKernel(kernel) else { return .absent }
        let offered = try await ask(kernel, skipsUnavailable: true)
        if offered.contains(where: { RedHatModules().isModulePackage($0.name) }) { return .present(offered) }
        // Without the cache of a repository, dnf leaves it out. Now it must say so, because such an answer is none.
        _ = try await ask(kernel, skipsUnavailable: false)
        return .absent
    }

    private func ask(_ kernel: RedHatKernel, skipsUnavailable: Bool) async throws(HostError) -> [OfferedPackage] {
        let command =
            [
                "dnf", "-q", "-C", "--setopt=exit_on_lock=True",
                "--setopt=*.skip_if_unavailable=\(skipsUnavailable ? "True" : "False")", "repoquery", "--available",
                // dnf 5 needs the newline, and dnf 4 adds another one.
                "--arch", kernel.architecture, "--queryformat", "%{name}|%{evr}|%{vendor}\n",
            ] + RedHatModules.patterns(kernel)
        let output = try await commands.run(command, deadline: deadline, environment: ["LC_ALL": "C"])
        return Self.parse(output.output)
    }

    /// Reads the output of `dnf repoquery`: a line `NAME|VERSION|VENDOR` for each package.
    static func parse(_ output: String) -> [OfferedPackage] {
        let packages: [OfferedPackage] = output.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3, isWord(fields[0]), isWord(fields[1]) else { return nil }
            let vendor = fields[2].isEmpty || fields[2] == "(none)" ? nil : String(fields[2].prefix(100))
            return OfferedPackage(name: fields[0], version: fields[1], vendor: vendor)
        }
        return Array(packages.prefix(limit))
    }

    /// Whether a text can be a name or a version.
    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 200 && text.first != "-"
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".+~:-_^".contains($0)) }
    }
}
