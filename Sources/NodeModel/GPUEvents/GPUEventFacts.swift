package import Support

/// What the kernel log reported about the GPUs, as a fact of the node.
package struct GPUEventFacts: Codable, Sendable, Equatable {
    package var history: GPUHistory
    /// The parts of the kernel log of this boot that the agent did not read.
    package var gaps: [KernelLogPosition.Gap]
    /// The boot of the node now.
    package var boot: String
    /// The time at which the agent read it.
    package var at: Timestamp
    /// Why the agent could not read the kernel log now; nil when it could.
    package var logFailure: String?
    /// Whether the daemon waits for the events of NVML, because it cannot read the kernel log; nil when it does not.
    package var usesNVML: Bool?

    package init(
        history: GPUHistory,
        gaps: [KernelLogPosition.Gap] = [],
        boot: String,
        at: Timestamp,
        logFailure: String? = nil,
        usesNVML: Bool? = nil
    ) {
        self.history = history
        self.gaps = gaps
        self.boot = boot
        self.at = at
        self.logFailure = logFailure
        self.usesNVML = usesNVML
    }

    /// The facts without the events that ended.
    package var open: GPUEventFacts {
        var facts = self
        facts.history.events.removeAll { $0.end != nil }
        return facts
    }

    /// The facts without the events at these addresses.
    package func without(_ addresses: [PCIAddress]) -> GPUEventFacts {
        var facts = self
        facts.history.events.removeAll { event in addresses.contains { $0.sameSlot(event.address) } }
        return facts
    }
}

extension PCIAddress {
    /// The address of the function 0 of the same device.
    package var slot: PCIAddress {
        var slot = self
        slot.function = 0
        return slot
    }

    /// Whether both are functions of the same device.
    package func sameSlot(_ other: PCIAddress) -> Bool {
        (domain, bus, device) == (other.domain, other.bus, other.device)
    }
}
