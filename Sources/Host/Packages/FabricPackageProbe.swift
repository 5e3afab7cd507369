package import NodeModel

/// Asks apt on a host for the packages that set up NVLink.
///
/// It reads the index that the host has, and changes nothing.
package struct FabricPackageProbe: Sendable {
    private let root: HostRoot
    private let commands: HostCommands?
    /// How long the question may take.
    private let deadline: Duration

    package init(root: HostRoot, commands: HostCommands?, deadline: Duration = .seconds(20)) {
        self.root = root
        self.commands = commands
        self.deadline = deadline
    }

    /// The most packages that are listed: NVIDIA's repository keeps all versions.
    private static let limit = 500

    /// The packages, in the order of apt: the newest version of each comes first.
    ///
    /// - Returns: Absent when the repositories offer none of them; unreadable when apt has no index.
    package func packages() async -> Reading<[OfferedPackage]> {
        guard let commands else { return .skipped("the agent runs no commands on the host") }
        do throws(HostError) {
            let environment = ["LC_ALL": "C"]
            let output = try await commands.run(Self.command, deadline: deadline, environment: environment).output
            let offered = Self.parse(output)
            guard !offered.isEmpty else { return try await AptIndex(root: root).withoutOffers() }
            return .present(Array(offered.prefix(Self.limit)))
        } catch { return .unreadable(ReadFailure(error)) }
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
            return package(parts[0], parts[1])
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
