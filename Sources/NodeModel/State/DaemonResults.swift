package import Support

/// What the daemon saw in its last inspection of the node, for `gpu-agent status`.
///
/// The daemon leaves this in a file on the host, which the next boot deletes.
package struct DaemonResults: Codable, Sendable, Equatable {
    /// When the inspection ended.
    package var at: Timestamp
    /// Until when the results replace an inspection; the daemon makes the next one before.
    package var until: Timestamp
    /// The checksum of the journal that the daemon read; nil when there was none.
    package var journal: Checksum?
    package var facts: NodeFacts

    package init(at: Timestamp, until: Timestamp, journal: Checksum?, facts: NodeFacts) {
        self.at = at
        self.until = until
        self.journal = journal
        self.facts = facts
        // What the kernel log says can be long, and root can read it anew.
        if facts.kernelLog.value != nil { self.facts.kernelLog = .skipped("the daemon does not store the kernel log") }
    }

    /// Whether the results are of the running boot.
    package func isOfThisBoot(_ boot: Reading<String>) -> Bool {
        boot.value != nil && facts.host.bootID.value == boot.value
    }

    /// Whether `status` can show the results instead of inspecting the node.
    ///
    /// It can not after an install, after an uninstall, and after somebody loaded or unloaded the driver.
    ///
    /// - Parameters:
    ///   - now: The current time.
    ///   - boot: The ID of the running boot.
    ///   - driver: The version of the loaded driver.
    ///   - journal: The checksum of the journal. A user without rights cannot read it, and then it does not count.
    /// - Returns: False also when the clock was set back, because then the age is not known.
    package func isCurrent(
        at now: Timestamp,
        boot: Reading<String>,
        driver: Reading<String>,
        journal: Reading<Checksum>
    ) -> Bool {
        guard isOfThisBoot(boot), at.milliseconds <= now.milliseconds, now.milliseconds < until.milliseconds,
            facts.driver.loadedVersion.value == driver.value, driver.failure == nil
        else { return false }
        switch journal {
        case .present, .absent, .absentBecause: return journal.value == self.journal
        case .unreadable, .skipped: return true
        }
    }
}
