import NodeModel

/// Asks tdnf which packages the repositories of a host offer.
///
/// It reads the index that the host has, and loads nothing (`-C`).
struct TdnfList: Sendable {
    let commands: HostCommands
    /// How long all questions together may take.
    let deadline: Duration

    /// The packages whose names match a pattern, the newest version of each name first.
    ///
    /// - Parameter patterns: Names of packages, with the wildcards of a shell.
    /// - Returns: The packages, with their versions (`EPOCH:VERSION-RELEASE`); absent when there are none, and unreadable
    ///   when a repository has no index.
    /// - Throws: When tdnf fails, for example while another one has its lock.
    func packages(_ patterns: [String]) async throws(HostError) -> Reading<[OfferedPackage]> {
        let command = ["sh", "-c", Self.script, "tdnf-list"] + patterns
        let output = try await commands.run(command, deadline: deadline, environment: ["LC_ALL": "C"]).output
        return Self.reading(output)
    }

    /// What the output of the script means: nothing is only an answer when every repository has an index.
    static func reading(_ output: String) -> Reading<[OfferedPackage]> {
        let offered = parse(output)
        guard offered.isEmpty else { return .present(offered) }
        let lines = output.split(whereSeparator: \.isNewline)
        guard lines.contains(where: { $0.hasPrefix(lacking) }) else { return .absent }
        return .unreadable(ReadFailure(.command, "a repository has no index, and 'tdnf makecache' fetches it"))
    }

    /// How a line begins with which tdnf leaves out a repository.
    private static let lacking = "Disabling Repo:"

    /// One pattern at a time, because tdnf exits with 243 when it finds nothing.
    private static let script = """
        for pattern; do
            tdnf -C list available "$pattern"
            status=$?
            case $status in 0 | 243) ;; *) exit "$status" ;; esac
        done
        """

    /// Reads the output of `tdnf list available`: a line `NAME.ARCHITECTURE VERSION REPOSITORY` for each package.
    ///
    /// - Returns: The packages of this architecture, the newest version of each name first.
    static func parse(_ output: String) -> [OfferedPackage] {
        let packages: [OfferedPackage] = output.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 3, fields[2] != "@System", let dot = fields[0].lastIndex(of: "."),
                [architecture, "noarch"].contains(String(fields[0][fields[0].index(after: dot)...]))
            else { return nil }
            return OfferedPackage(printedName: String(fields[0][..<dot]), version: String(fields[1]))
        }
        return packages.sorted { RPMRelease($1.version[...]) < RPMRelease($0.version[...]) }
    }

    /// The architecture of the node, as rpm names it.
    private static var architecture: String {
        #if arch(arm64)
        "aarch64"
        #else
        "x86_64"
        #endif
    }
}
