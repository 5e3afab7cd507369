package import Support

/// An error of a GPU or an NVSwitch that the kernel log or NVML reported, once or several times.
package struct GPUEvent: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable {
        /// An error of a GPU with a number (`code`).
        case xid
        /// An error of an NVSwitch with a number (`code`).
        case sxid
        /// A GPU fell off the bus, and no Xid says so.
        case fallenOffTheBus = "fallen-off-the-bus"
    }

    /// Where a report comes from when it is not the kernel log.
    package enum Source: String, Codable, Sendable {
        /// The events of NVML, which have no text and no number of a record.
        case nvml
    }

    /// How an event ended.
    package struct End: Codable, Sendable, Equatable {
        package enum Way: String, Codable, Sendable {
            /// The node was rebooted, and then the GPU passed its test, if the event needs one.
            case reboot
            /// The GPU was reset, and then passed its test.
            case reset
            /// The driver withdrew its recovery action, and the GPU passed its test.
            case driver
            /// A different GPU has the place of this one.
            case replaced
            /// The event needs no action, and did not come back for a day.
            case age
            /// A person declared the event as done.
            case person
        }

        package var way: Way
        package var at: Timestamp
        /// The reason that the person gave; nil for the other ways.
        package var reason: String?
        /// The user who cleared the event; nil for the other ways.
        package var user: String?

        package init(_ way: Way, at: Timestamp, reason: String? = nil, user: String? = nil) {
            self.way = way
            self.at = at
            self.reason = reason
            self.user = user
        }
    }

    package var kind: Kind
    /// The number of the Xid or SXid; nil without one.
    package var code: Int?
    /// The address in the boot of the event, with the function 0.
    package var address: PCIAddress
    /// The UUID of the GPU; nil when the agent does not know it.
    package var uuid: String?
    /// The text of the last report.
    package var text: String
    /// Whether an SXid is fatal; nil when the line does not say so, and for other kinds.
    package var isFatal: Bool?
    /// The recovery action in the last report of an Xid 154; nil for others, and for an action that is not known.
    package var action: RecoveryAction?
    /// The boot in which it was reported.
    package var boot: String
    /// The number of the record of the last report in the kernel log of this boot.
    ///
    /// When NVML reported it, the number of the last record before it that the agent knew.
    package var sequence: UInt64
    /// The time of the first report.
    package var first: Timestamp
    /// The time of the last report.
    package var last: Timestamp
    /// How often it was reported in this boot.
    package var count: Int
    /// How it ended; nil while it is open.
    package var end: End?
    /// Where the last report comes from; nil when it is in the kernel log.
    package var source: Source?

    package init(
        kind: Kind,
        code: Int?,
        address: PCIAddress,
        uuid: String? = nil,
        text: String,
        isFatal: Bool? = nil,
        action: RecoveryAction? = nil,
        boot: String,
        sequence: UInt64,
        at time: Timestamp,
        count: Int = 1,
        end: End? = nil,
        source: Source? = nil
    ) {
        self.kind = kind
        self.code = code
        self.address = address
        self.uuid = uuid
        self.text = text
        self.isFatal = isFatal
        self.action = action
        self.boot = boot
        self.sequence = sequence
        first = time
        last = time
        self.count = count
        self.end = end
        self.source = source
    }

    /// The number of the Xid that decides the class; nil for an SXid.
    ///
    /// A GPU that fell off the bus without an Xid is the same error as Xid 79.
    package var xid: Int? {
        switch kind {
        case .xid: code
        case .sxid: nil
        case .fallenOffTheBus: 79
        }
    }

    /// The name of the event for people, such as `Xid 79` or `SXid 20034`.
    package var name: String {
        switch kind {
        case .xid: "Xid \(code ?? 0)"
        case .sxid: "SXid \(code ?? 0)"
        case .fallenOffTheBus: "fallen off the bus"
        }
    }
}

extension GPUEvent {
    /// An event of a message, or nil when the message does not report an error.
    package init?(_ found: DriverLog.Message, boot: String, at time: Timestamp) {
        switch found.message {
        case .xid(let code, let address, let text):
            self.init(
                kind: .xid,
                code: code,
                address: address,
                text: text,
                action: code == Self.recoveryCode ? RecoveryAction(xidText: text) : nil,
                boot: boot,
                sequence: found.sequence,
                at: time
            )
        case .sxid(let code, let address, let isFatal, let text):
            self.init(
                kind: .sxid,
                code: code,
                address: address,
                text: text,
                isFatal: isFatal,
                boot: boot,
                sequence: found.sequence,
                at: time
            )
        case .fallenOffTheBus(let address, let text):
            self.init(
                kind: .fallenOffTheBus,
                code: nil,
                address: address,
                text: text,
                boot: boot,
                sequence: found.sequence,
                at: time
            )
        case .names, .namedOneHasFallen, .driverLoaded, .deviceFound: return nil
        }
        address.function = 0
    }

    /// Whether both report the same error of the same device in the same boot.
    ///
    /// The driver reports a GPU that fell off the bus with an Xid and in a sentence.
    func isSameError(as other: GPUEvent) -> Bool {
        boot == other.boot && address == other.address && xid == other.xid
            && (xid != nil || (kind == other.kind && code == other.code))
    }

    /// Adds a later report of the same error.
    ///
    /// - Returns: Whether it says something new.
    mutating func repeats(as other: GPUEvent) -> Bool {
        sequence = other.sequence
        last = other.last
        // The sentence about a lost GPU says no more than the Xid before it.
        if kind == .xid, other.kind == .fallenOffTheBus { return false }
        // The lines after the first one of an SXid have its registers, and do not say again whether it is fatal.
        if kind == .sxid, isFatal != nil, other.isFatal == nil { return false }
        if kind == other.kind { count = min(count, Int(Int32.max)) + 1 }
        let isNews = action != other.action
        source = other.source
        (kind, code, text, action) = (other.kind, other.code, other.text, other.action)
        // A later error of the same number does not repair what a fatal one stopped.
        if isFatal != true { isFatal = other.isFatal }
        return isNews
    }

    /// The Xid that reports the recovery action of the driver.
    package static let recoveryCode = 154
}
