package import Support

/// The GPUs of a node when it had the most of them.
///
/// A GPU that is gone from the PCI bus leaves no trace there. So the daemon keeps this on the host, across boots.
package struct SeenGPUs: Codable, Sendable, Equatable {
    /// The addresses of the GPUs on the PCI bus.
    package var addresses: [PCIAddress]
    /// The vendor and the product of the machine, as its firmware names them; nil when it names none.
    package var machine: String?
    /// When the agent first saw these GPUs.
    package var since: Timestamp

    package init(addresses: [PCIAddress], machine: String?, since: Timestamp) {
        self.addresses = addresses
        self.machine = machine
        self.since = since
    }

    /// Decides what to keep after an inspection.
    ///
    /// Fewer GPUs than before change nothing, except on another machine, to which a disk can move. A record that could
    /// not be read stays, unless it can never be read again.
    ///
    /// - Parameters:
    ///   - facts: The facts of the inspection, with the record before it.
    ///   - now: The time of the inspection.
    /// - Returns: The new record; nil when nothing changes.
    package static func update(after facts: NodeFacts, at now: Timestamp) -> SeenGPUs? {
        guard facts.pci.value != nil else { return nil }
        let dmi = facts.host.dmi.value
        let names = [dmi?.systemVendor, dmi?.productName, dmi?.productUUID].compactMap(\.self)
        let found = SeenGPUs(
            addresses: facts.gpus.map(\.address).sorted(),
            machine: names.isEmpty ? nil : names.joined(separator: " "),
            since: now
        )
        guard !found.addresses.isEmpty else { return nil }
        switch facts.seenGPUs {
        case .absent, .absentBecause: return found
        case .unreadable(let failure): return failure.reason == .malformed ? found : nil
        case .skipped: return nil
        case .present(let before):
            let isSameMachine = before.machine == nil || found.machine == nil || before.machine == found.machine
            if isSameMachine, found.addresses.count < before.addresses.count { return nil }
            return found.addresses == before.addresses && isSameMachine ? nil : found
        }
    }
}

extension NodeFacts {
    /// The GPUs that the node had, and that are not on the PCI bus now; nil when that is not known.
    ///
    /// A GPU can get another address. So no GPU is missing as long as there are as many as before.
    package var missingGPUs: [PCIAddress]? {
        guard pci.value != nil, let seen = seenGPUs.value else { return nil }
        // A function that could not be identified may be one of them.
        let present = gpus.map(\.address) + unidentified.map(\.address)
        guard present.count < seen.addresses.count else { return [] }
        return seen.addresses.filter { !present.contains($0) }
    }
}
