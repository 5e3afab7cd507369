package import Support

extension GPUHistory {
    /// Adds an Xid that NVML reported.
    ///
    /// The kernel log reports the same error with more details, a moment before or after NVML. A report of the log within
    /// 30 seconds is the same one, and counts once. An event of NVML has no number in the log. It gets the number of the
    /// last record that the history knows, so a load of the driver before it does not count as one after it.
    ///
    /// An Xid 154 is left out: NVML does not tell the recovery action in the event, but each inspection reads it.
    ///
    /// - Parameters:
    ///   - report: The event. Only an Xid changes the history.
    ///   - id: The boot of the node.
    ///   - time: The time at which NVML reported it.
    /// - Returns: Whether it reports an error that is new.
    @discardableResult
    package mutating func add(_ report: NVMLEvent, boot id: String, at time: Timestamp) -> Bool {
        guard report.kind == .xid, let code = report.code, code != GPUEvent.recoveryCode else { return false }
        if boot?.id != id { boot = Boot(id: id) }
        var event = GPUEvent(
            kind: .xid,
            code: code,
            address: report.address,
            uuid: report.uuid,
            text: report.text,
            boot: id,
            sequence: lastRecord(of: id),
            at: time,
            source: .nvml
        )
        if let same = events.lastIndex(where: { $0.isSameError(as: event) }) {
            // The kernel log was first, also when somebody has cleared the error since.
            if events[same].source == nil, events[same].isSameReport(as: event) { return false }
            if events[same].end == nil {
                events[same].repeatsInNVML(as: event)
                return false
            }
        }
        event.uuid = event.uuid ?? boot?.uuids[event.address.description]
        append(event)
        return true
    }

    /// The number of the last record of the kernel log that the history knows in a boot; 0 when it knows none.
    private func lastRecord(of id: String) -> UInt64 {
        let records = events.filter { $0.boot == id }.map(\.sequence)
        guard let boot, boot.id == id else { return records.max() ?? 0 }
        return (records + boot.found.values + [boot.driverLoaded ?? 0]).max() ?? 0
    }
}

extension GPUEvent {
    /// How far apart the two reports of one error can be in the kernel log and in NVML, in seconds.
    ///
    /// The daemon reads the log once a second, and the clock of the log is not exactly that of the node.
    private static let spread: Double = 30

    /// Whether the times of two reports of the same error are so close that they are one report from two sources.
    func isSameReport(as other: GPUEvent) -> Bool { abs(last.seconds - other.last.seconds) <= Self.spread }

    /// Adds a later report of NVML about the same error.
    ///
    /// It says less than the kernel log, so the text and the recovery action stay.
    mutating func repeatsInNVML(as other: GPUEvent) {
        // The sentence about a lost GPU is another report than its Xid.
        if kind == .xid { count = min(count, Int(Int32.max)) + 1 }
        (kind, code) = (other.kind, other.code)
        source = .nvml
        sequence = max(sequence, other.sequence)
        if other.last.seconds > last.seconds { last = other.last }
    }

    /// Takes over the report of the kernel log about an error that NVML reported a moment before.
    ///
    /// - Returns: Whether it says something new.
    mutating func confirm(with other: GPUEvent) -> Bool {
        sequence = other.sequence
        // The sentence about a lost GPU says no more than the Xid.
        guard other.kind == .xid else { return false }
        let isNews = action != other.action
        (source, text, action) = (nil, other.text, other.action)
        return isNews
    }
}
