import Glibc
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

extension SimulatedNode {
    /// What apt and dpkg keep for themselves on a host: the index, their caches, their logs, and former states.
    func writtenByApt() async throws -> Set<String> {
        let places = ["/var/lib/apt/lists", "/var/cache/apt", "/var/log/apt"]
        let files = try await run(["find"] + places).split(separator: "\n").map(String.init)
        return Set(files).union([
            "/var/log/dpkg.log", "/var/log/alternatives.log", "/var/lib/dpkg/status-old",
            // apt marks packages as automatically installed, and keeps the marks of packages that are gone.
            "/var/lib/apt/extended_states",
        ])
    }
}

extension SimulatedNode {
    /// What dnf and rpm keep for themselves on a host: their databases, the cache, and their logs.
    func writtenByDnf() async throws -> Set<String> {
        let script = "find /var/lib/dnf /var/lib/rpm /var/cache/dnf; ls -d /var/log/dnf* /var/log/hawkey*"
        return Set(try await run(["sh", "-c", script]).split(separator: "\n").map(String.init))
    }
}

/// The logs of the stand-in kernel and of the stand-in license daemon, the kernel log, and the cache that ldconfig writes
/// for itself.
let writtenByStandIns: Set<String> = [
    "/dev/kmsg", "/var/log/kern.log", "/var/log/syslog", "/var/cache/ldconfig/aux-cache",
]

/// What an uninstall leaves on a host, or what the simulated host itself writes.
let namedByUninstall: Set<String> = writtenByStandIns.union([
    // The journal records that an operator uninstalled the driver.
    HostLayout.journal,
    // The GPUs of the node, which do not depend on the driver.
    HostLayout.seenGPUs,
    // The directory of the jobs, which is empty.
    HostLayout.jobs,
    // The logs of the install and of the uninstall.
    HostLayout.logs, HostLayout.installerLog, "/var/log/nvidia-uninstall.log",
    // The lock, which the next boot removes.
    HostLayout.run, HostLayout.lock,
])
