import NodeModel

// What the ledger of an uninstall lets pass. Everything else on the host must be as it was before the install.

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

extension SimulatedNode {
    /// What apt and dpkg keep for themselves on a host: the index, their caches, their logs, and former states.
    func writtenByApt() async throws -> Set<String> {
        try await files(in: ["/var/lib/apt/lists", "/var/cache/apt", "/var/log/apt"]).union([
            "/var/log/dpkg.log", "/var/log/alternatives.log", "/var/lib/dpkg/status-old",
            // apt marks packages as automatically installed, and keeps the marks of packages that are gone.
            "/var/lib/apt/extended_states",
        ])
    }

    /// What dnf 4 or dnf 5 and rpm keep for themselves on a host: their databases, the history of transactions, the cache,
    /// locks, and logs.
    func writtenByDnf() async throws -> Set<String> {
        let dnf4 = ["/var/lib/dnf", "/var/cache/dnf"]
        let dnf5 = ["/usr/lib/sysimage/libdnf5", "/var/cache/libdnf5", "/run/dnf"]
        let logs = try await run(["sh", "-c", "ls -d /var/log/dnf* /var/log/hawkey* 2>/dev/null; true"])
        return try await writtenByRPM().union(try await files(in: dnf4 + dnf5))
            .union(logs.split(separator: "\n").map(String.init))
    }

    /// What zypper and rpm keep for themselves on a host: their databases, the cache, a lock, and logs.
    func writtenByZypper() async throws -> Set<String> {
        let places = ["/var/lib/zypp", "/var/cache/zypp", "/var/log/zypp"]
        return try await writtenByRPM().union(try await files(in: places)).union([
            "/run/zypp.pid", "/var/log/zypper.log",
        ])
    }

    /// The database of rpm, whose bytes also depend on packages that are gone.
    func writtenByRPM() async throws -> Set<String> { try await files(in: ["/var/lib/rpm"]) }

    /// What a test itself puts on the host for a newer kernel, after the first ledger.
    func filesOfKernel(_ kernel: String) -> Set<String> {
        let modules = "/usr/lib/modules/\(kernel)"
        return ["/boot/vmlinuz-\(kernel)", modules, "\(modules)/modules.dep"]
    }

    /// Directories with everything below them, at the time of the first ledger and now.
    private func files(in places: [String]) async throws -> Set<String> {
        let script = """
            cut -d ' ' -f 1 /ledgers/before | grep -E "^($1)(/|$)"
            shift
            find "$@" 2>/dev/null
            true
            """
        let arguments = ["files", places.joined(separator: "|")] + places
        return Set(try await run(["sh", "-c", script] + arguments).split(separator: "\n").map(String.init))
    }
}
