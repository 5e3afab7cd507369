import FoundationEssentials
import Glibc
import Host
package import NodeModel
import Planning
import Support

/// The file in which the daemon keeps the results of its last inspection.
typealias ResultsFile = StateFile<DaemonResults>

extension StateFile<DaemonResults> {
    /// The facts of a node with 16 GPUs in MIG mode have less than a tenth of the limit.
    init(root: HostRoot) {
        self.init(root: root, path: HostPath(stringLiteral: HostLayout.results), mode: 0o600, limit: 8 << 20)
    }
}

extension Prober {
    /// The results of the daemon in this boot; nil when no daemon has inspected the node, or they cannot be read.
    package func daemonResults() async -> DaemonResults? {
        guard let results = await ResultsFile(root: root).load() else { return nil }
        return results.isOfThisBoot(await HostProbe(root: root, commands: nil).bootID()) ? results : nil
    }

    /// Whether `status` can show these results instead of inspecting the node.
    package func isCurrent(_ results: DaemonResults) async -> Bool {
        let probe = HostProbe(root: root, commands: nil)
        return results.isCurrent(
            at: Timestamp(now()),
            boot: await probe.bootID(),
            driver: await probe.loadedVersion(),
            journal: await readJournal().map(\.checksum)
        )
    }

    /// The facts of a daemon that runs now, which has what it waits for and an inspection does not see; nil without one.
    func waitingFacts() async -> NodeFacts? {
        guard let results = await daemonResults(), results.until.seconds > now() else { return nil }
        return results.facts
    }

    /// The facts of the daemon, with what costs little to read and can have changed: the errors of the GPUs.
    ///
    /// Only root can read them, and the kernel log.
    func completed(_ facts: NodeFacts) async -> NodeFacts {
        guard geteuid() == 0 else { return facts }
        var facts = facts
        facts.gpuEvents = await events.facts(boot: facts.host.bootID)
        facts.kernelLog = await kernelLog(facts)
        return facts.visible
    }
}

extension Inspector {
    /// Evaluates the results of the daemon for a person.
    package func currentView(_ results: DaemonResults) async -> NodeView {
        let facts = await prober.completed(results.facts)
        return await currentView(facts, await prober.readJournal().flatMap(\.visible).value)
    }
}

extension Journal {
    /// The checksum by which a command notices that the journal has changed.
    var checksum: Checksum {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return .sha256(of: (try? encoder.encode(self)).map { [UInt8]($0) } ?? [])
    }
}
