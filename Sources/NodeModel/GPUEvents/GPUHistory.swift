package import Support

/// What the agent knows about the errors of the GPUs and NVSwitches of a node, also from earlier boots.
///
/// It is a file on the host, so its size has a limit.
package struct GPUHistory: Codable, Sendable, Equatable {
    /// What happened to the GPUs in one boot.
    package struct Boot: Codable, Sendable, Equatable {
        package var id: String
        /// The record that reports the last load of the driver; nil when the log has none.
        package var driverLoaded: UInt64?
        /// The record that reports that a function was found on the bus, by its address.
        package var found: [String: UInt64] = [:]
        /// The UUID of the GPU at each address.
        package var uuids: [String: String] = [:]
        /// When NVML last reported a recovery action of the GPU at each address; nil when it reported none.
        package var recovery: [String: Timestamp]?

        package init(id: String) { self.id = id }
    }

    /// The events, in the order of their first reports.
    package var events: [GPUEvent]
    /// The boot of the last event or load; nil before the first one.
    package var boot: Boot?

    /// The most events; a finished one makes room first.
    package static let eventLimit = 200
    private static let addressLimit = 256

    package init(events: [GPUEvent] = [], boot: Boot? = nil) {
        self.events = events
        self.boot = boot
    }

    /// Adds what a message says.
    ///
    /// A message that the history already has changes nothing.
    ///
    /// - Returns: Whether the message reports an error that is new.
    @discardableResult
    package mutating func add(_ found: DriverLog.Message, boot id: String, at time: Timestamp) -> Bool {
        var current = boot.flatMap { $0.id == id ? $0 : nil } ?? Boot(id: id)
        switch found.message {
        case .driverLoaded: current.driverLoaded = max(current.driverLoaded ?? 0, found.sequence)
        case .deviceFound(var address):
            address.function = 0
            let (key, earlier) = (address.description, current.found[address.description])
            if earlier != nil || current.found.count < Self.addressLimit {
                current.found[key] = max(earlier ?? 0, found.sequence)
            }
        default: break
        }
        boot = current
        guard let event = GPUEvent(found, boot: id, at: time) else { return false }
        return add(event)
    }

    private mutating func add(_ event: GPUEvent) -> Bool {
        if let same = events.lastIndex(where: { $0.isSameError(as: event) }) {
            guard event.sequence > events[same].sequence else { return false }
            if events[same].source == .nvml, events[same].isSameReport(as: event) {
                return events[same].confirm(with: event)
            }
            if events[same].end == nil { return events[same].repeats(as: event) }
        }
        var event = event
        event.uuid = boot?.uuids[event.address.description]
        append(event)
        return true
    }

    /// Adds an error that is new.
    mutating func append(_ event: GPUEvent) {
        events.append(event)
        while events.count > Self.eventLimit { events.remove(at: events.firstIndex { $0.end != nil } ?? 0) }
    }

    /// Remembers which GPU has which address in this boot, and tells it to the events of this boot.
    package mutating func identify(_ uuids: [PCIAddress: String], boot id: String) {
        var current = boot.flatMap { $0.id == id ? $0 : nil } ?? Boot(id: id)
        for (address, uuid) in uuids.prefix(Self.addressLimit) { current.uuids[address.description] = uuid }
        boot = current
        for index in events.indices where events[index].boot == id && events[index].uuid == nil {
            events[index].uuid = current.uuids[events[index].address.description]
        }
    }

    /// Remembers that NVML reports a recovery action of these GPUs.
    package mutating func needsRecovery(_ addresses: [PCIAddress], boot id: String, at time: Timestamp) {
        guard !addresses.isEmpty else { return }
        var current = boot.flatMap { $0.id == id ? $0 : nil } ?? Boot(id: id)
        for address in addresses.prefix(Self.addressLimit) {
            current.recovery = (current.recovery ?? [:]).merging([address.slot.description: time]) { $1 }
        }
        boot = current
    }

    /// Ends an open event, unless it was reported again in the meantime.
    package mutating func end(_ event: GPUEvent, _ end: GPUEvent.End) {
        let index = events.firstIndex {
            $0.end == nil && $0.boot == event.boot && $0.sequence == event.sequence && $0.address == event.address
                && $0.kind == event.kind && $0.code == event.code
                // A further report of NVML can have the same number.
                && ($0.source == nil || $0.last == event.last)
        }
        if let index { events[index].end = end }
    }
}
