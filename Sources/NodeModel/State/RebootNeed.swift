import Support

/// The record that only a reboot gets the modules of a driver out of the kernel.
///
/// Until the node has booted again, the agent does not try again on its own: each try stops the services of the driver.
package struct RebootNeed: Codable, Sendable, Equatable {
    /// Why the node must reboot.
    package var finding: Finding
    /// The ID of the boot in which the agent tried (`/proc/sys/kernel/random/boot_id`).
    package var bootID: String

    package init(_ finding: Finding, bootID: String) {
        self.finding = finding
        self.bootID = bootID
    }
}

extension Journal {
    /// Remembers a failure after which only a reboot helps.
    ///
    /// Without a known boot, the agent could not tell when the reboot was, so it tries again as after other failures.
    package mutating func rememberReboot(_ failure: Finding, bootID: String?) {
        guard failure.code == .rebootRequired, let bootID else { return }
        needsReboot = RebootNeed(failure, bootID: bootID)
    }

    /// Why the node must reboot before the agent tries again; nil when it must not, or has booted since.
    package func rebootFinding(bootID: String?) -> Finding? {
        needsReboot.flatMap { $0.bootID == bootID ? $0.finding : nil }
    }
}
