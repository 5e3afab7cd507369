import NodeModel
import Testing

extension SimulatedNode {
    /// Writes a list of all files in the directories of the system: path, kind, mode, owner, link target, and the digest
    /// of the content.
    ///
    /// The host is an overlay over the machine of the tests, which can change in other directories meanwhile. Only files
    /// that changed since the host came up have a digest: others have the content of the machine.
    func takeLedger(_ name: String) async throws {
        let places = ["boot", "dev", "etc", "lib", "opt", "run", "srv", "tmp", "usr", "var"].map { "/\($0)" }
        let own = ["/dev/pts", "/run/gpu-sim", "*/.build", Programs.repository]
        let skipped = own.map { "-path '\($0)'" }.joined(separator: " -o ")
        let find = "find \(places.joined(separator: " ")) '(' \(skipped) ')' -prune -o"
        let script = """
            mkdir -p /ledgers
            \(find) -printf '%p %y %m %U:%G %l\\n' >/ledgers/files
            \(find) -type f -cnewer /etc/machine-id -print0 | xargs -0r sha256sum |
                sed -E 's/^([0-9a-f]*)  (.*)/\\2 has \\1/' >>/ledgers/files
            LC_ALL=C sort -T /ledgers /ledgers/files >/ledgers/'\(name)'
            rm /ledgers/files
            """
        try await run(["sh", "-ec", script])
    }

    /// Takes the ledger of a host before an install.
    ///
    /// The caches of the linker and of the kernel modules exist then, as on every host.
    func takeFirstLedger() async throws {
        try await run(["sh", "-ec", "ldconfig; depmod"])
        try await takeLedger("before")
    }

    /// Expects the files of the host to be those of the first ledger, but for the named ones.
    func expectLedger(
        apartFrom named: Set<String> = namedByUninstall,
        _ comment: Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await takeLedger("after")
        let output = try await run(["sh", "-c", "LC_ALL=C diff /ledgers/before /ledgers/after || [ $? = 1 ]"])
        let others = output.split(separator: "\n").filter { line in
            guard line.hasPrefix("< ") || line.hasPrefix("> ") else { return false }
            return !named.contains(String(line.dropFirst(2).prefix { $0 != " " }))
        }
        let place = comment.map { " (\($0))" } ?? ""
        if !others.isEmpty {
            Issue.record(
                "the host has changed\(place):\n\(others.joined(separator: "\n"))",
                sourceLocation: sourceLocation
            )
        }
    }
}
