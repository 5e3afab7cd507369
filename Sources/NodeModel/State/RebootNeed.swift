import Support

/// The record that a driver stays in the kernel: NVIDIA's, although no process uses it, or another driver of the GPUs.
///
/// A process that ends soon can be the cause of one failure. After several of them in one boot, the agent does not try again
/// on its own before the next boot: each try stops the services of the driver, or takes the text consoles away.
package struct RebootNeed: Codable, Sendable, Equatable {
    /// Why the modules could not be unloaded.
    package var finding: Finding
    /// The ID of the boot in which the agent tried (`/proc/sys/kernel/random/boot_id`).
    package var bootID: String
    /// How many times in a row the agent tried in this boot.
    package var attempts: Int

    package init(_ finding: Finding, bootID: String, attempts: Int = 1) {
        (self.finding, self.bootID, self.attempts) = (finding, bootID, attempts)
    }

    /// After how many attempts only a reboot helps.
    static let limit = 3
}

extension Journal {
    /// Remembers why an attempt to unload the modules of a driver failed.
    ///
    /// Without a known boot, the agent could not tell when the reboot was, so it tries again as after other failures.
    package mutating func rememberUnload(_ failure: Finding, bootID: String?) {
        guard failure.code == .rebootRequired, let bootID else { return needsReboot = nil }
        let before = needsReboot.flatMap { $0.bootID == bootID ? $0.attempts : nil } ?? 0
        needsReboot = RebootNeed(failure, bootID: bootID, attempts: before + 1)
    }

    /// Why the node must reboot before the agent tries again; nil when it must not, or has booted since.
    package func rebootFinding(bootID: String?) -> Finding? {
        needsReboot.flatMap { $0.bootID == bootID && $0.attempts >= RebootNeed.limit ? $0.finding : nil }
    }
}
