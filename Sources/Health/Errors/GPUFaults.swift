package import Catalog
package import NodeModel
import Support

/// What the errors in the kernel log mean for the GPUs of a node now, and which of them are over.
package struct GPUFaults: Sendable, Equatable {
    /// What must happen before an error is over.
    package enum Wait: Sendable, Equatable {
        /// Time: the error needs no action.
        case time
        case reset
        case reboot
        /// The reset or the reboot has happened. The GPU does not pass its test, for this reason.
        case test(String)
        /// A person must clear it with `gpu-agent health clear`.
        case person
    }

    /// An error that is not over.
    package struct Fault: Sendable, Equatable {
        package var event: GPUEvent
        package var xidClass: XidClass
        /// Why it has this class, as a sentence.
        package var why: String
        /// The address of the GPU now.
        package var address: PCIAddress
        package var wait: Wait
    }

    /// The errors that are not over, the most severe first, without those that need no attention.
    package private(set) var faults: [Fault] = []
    /// The events that are over, with how they ended.
    package private(set) var ends: [(event: GPUEvent, end: GPUEvent.End)] = []

    private let facts: GPUEventFacts
    private let xids: [Int: CatalogXid]
    private let sxids: [Int: CatalogSXid]
    private let test: GPUTest

    /// How long an error counts that needs no action, in seconds.
    package static let memory: Double = 24 * 3600

    init(_ facts: GPUEventFacts, xids: [Int: CatalogXid], sxids: [Int: CatalogSXid], test: GPUTest) {
        (self.facts, self.xids, self.sxids, self.test) = (facts, xids, sxids, test)
        for event in facts.history.events where event.end == nil { judge(event) }
        faults.sort { left, right in
            (right.xidClass, left.address, left.event.first.milliseconds)
                < (left.xidClass, right.address, right.event.first.milliseconds)
        }
    }

    package static func == (left: GPUFaults, right: GPUFaults) -> Bool {
        left.faults == right.faults && left.ends.map(\.event) == right.ends.map(\.event)
            && left.ends.map(\.end) == right.ends.map(\.end)
    }

    /// Whether the catalog knows the number of an event, so that there are only so many of such numbers.
    package func isKnown(_ event: GPUEvent) -> Bool {
        guard let code = event.xid else { return event.code.map { sxids[$0] != nil } ?? false }
        return xids[code] != nil
    }

    private mutating func judge(_ event: GPUEvent) {
        let (xidClass, why) = meaning(of: event)
        let address = event.uuid.flatMap(test.address(of:)) ?? event.address
        if isReplaced(event) { return over(event, .replaced) }
        let isEarlier = event.boot != facts.boot
        let wait: Wait
        switch xidClass {
        case .ignore, .application, .watch:
            if isEarlier { return over(event, .reboot) }
            if facts.at.seconds - event.last.seconds >= Self.memory { return over(event, .age) }
            if xidClass == .ignore { return }
            wait = .time
        case .gpuReset, .reboot:
            guard let way = ending(of: event, xidClass) else {
                wait = xidClass == .reboot ? .reboot : .reset
                break
            }
            // On some clouds, a GPU has another address after a reboot. Without a UUID, each GPU can be this one.
            let isNamed = event.kind != .sxid && (!isEarlier || event.uuid != nil)
            guard let failure = isNamed ? test.failure(at: address) : test.failure else { return over(event, way) }
            wait = .test(failure)
        case .hardware: wait = .person
        }
        faults.append(Fault(event: event, xidClass: xidClass, why: why, address: address, wait: wait))
    }

    private mutating func over(_ event: GPUEvent, _ way: GPUEvent.End.Way) {
        ends.append((event, GPUEvent.End(way, at: facts.at)))
    }

    /// What has happened since the event that can have ended it; nil when nothing has.
    private func ending(of event: GPUEvent, _ xidClass: XidClass) -> GPUEvent.End.Way? {
        if event.boot != facts.boot { return .reboot }
        if governing(event)?.action == RecoveryAction.none || hasWithdrawn(event) { return .driver }
        guard xidClass == .gpuReset, event.kind != .sxid, let boot = facts.history.boot, boot.id == facts.boot else {
            return nil
        }
        let starts = [boot.driverLoaded, boot.found[event.address.description]].compactMap(\.self)
        return starts.contains { $0 > event.sequence } ? .reset : nil
    }

    /// Whether NVML lists a different GPU at the address of the event.
    private func isReplaced(_ event: GPUEvent) -> Bool {
        guard let uuid = event.uuid, event.boot != facts.boot, test.address(of: uuid) == nil,
            let other = test.uuid(at: event.address)
        else { return false }
        return other != uuid
    }

    /// The last report of the driver's recovery action that came with the event or after it.
    private func governing(_ event: GPUEvent) -> GPUEvent? {
        guard event.kind != .sxid else { return nil }
        return facts.history.events.last {
            $0.code == GPUEvent.recoveryCode && $0.kind == .xid && $0.boot == event.boot
                && $0.address == event.address && $0.action != nil && $0.sequence >= event.sequence
        }
    }

    /// Whether NVML reported a recovery action after the event, and reports none now.
    ///
    /// A reset with `nvidia-smi` leaves no line in the kernel log.
    private func hasWithdrawn(_ event: GPUEvent) -> Bool {
        guard event.kind != .sxid, let boot = facts.history.boot, boot.id == event.boot,
            let asked = boot.recovery?[event.address.slot.description], asked.milliseconds >= event.last.milliseconds
        else { return false }
        return test.recovery(at: event.address) == RecoveryAction.none
    }

    /// The driver's own word about the GPU of an event: the last Xid 154 of the log, or else the recovery action of NVML.
    private func action(after event: GPUEvent) -> (RecoveryAction, source: String)? {
        if let action = governing(event)?.action { return (action, "Xid 154") }
        guard event.kind != .sxid, event.boot == facts.boot, let action = test.recovery(at: event.address),
            action != RecoveryAction.none
        else { return nil }
        return (action, "NVML")
    }

    private func meaning(of event: GPUEvent) -> (XidClass, why: String) {
        guard let code = event.xid else {
            let verdict = sxids.verdict(onSXid: event.code ?? 0, isFatal: event.isFatal)
            return (verdict.sxidClass, verdict.why)
        }
        let verdict = xids.verdict(onXid: code)
        let isOpen = verdict.xidClass > .application
        guard isOpen, let (action, source) = action(after: event) else { return (verdict.xidClass, verdict.why) }
        let why = "The recovery action of the driver is '\(action.text)' (\(source))."
        return switch action {
        case .none: code == GPUEvent.recoveryCode ? (.ignore, why) : (verdict.xidClass, verdict.why)
        case .gpuReset, .drainAndReset: (.gpuReset, why)
        case .reboot: (.reboot, why)
        case .drainPeers: (.watch, why)
        }
    }
}
