/// What one probe found out about one thing.
///
/// A probe never throws a whole scan away, and no later stage can mistake "could not read" for "not there":
/// the three are different cases and `Codable` keeps them apart (`{"state": "absent"}`).
package enum Reading<Value: Codable & Sendable & Equatable>: Sendable, Equatable {
    /// The thing is there, with this value.
    case present(Value)
    /// The thing is certainly not there.
    case absent
    /// It may be there or not: reading failed.
    case unreadable(ReadFailure)
    /// Nobody looked, on purpose; the text says why.
    case skipped(String)

    /// The value, when there is one.
    package var value: Value? {
        guard case .present(let value) = self else { return nil }
        return value
    }

    /// Whether the thing is certainly not there.
    package var isAbsent: Bool { self == .absent }

    /// The failure, when reading failed.
    package var failure: ReadFailure? {
        guard case .unreadable(let failure) = self else { return nil }
        return failure
    }

    /// Why it is not known whether the thing is there; nil when it is known.
    package var whyUnknown: String? {
        switch self {
        case .present, .absent: nil
        case .unreadable(let failure): failure.detail
        case .skipped(let why): why
        }
    }

    /// The same reading of a derived value; the other states pass through.
    package func map<Other>(_ transform: (Value) throws -> Other) rethrows -> Reading<Other> {
        switch self {
        case .present(let value): .present(try transform(value))
        case .absent: .absent
        case .unreadable(let failure): .unreadable(failure)
        case .skipped(let why): .skipped(why)
        }
    }

    /// A reading that follows from this one; the other states pass through.
    package func flatMap<Other>(_ transform: (Value) throws -> Reading<Other>) rethrows -> Reading<Other> {
        switch self {
        case .present(let value): try transform(value)
        case .absent: .absent
        case .unreadable(let failure): .unreadable(failure)
        case .skipped(let why): .skipped(why)
        }
    }
}

/// Why something could not be read.
package struct ReadFailure: Codable, Sendable, Equatable {
    /// The stable class of a failure.
    package enum Reason: String, Codable, Sendable, CaseIterable {
        /// The kernel or the driver refused: more rights are needed.
        case permission
        /// An input or output error.
        case io
        /// It was read, and is not in the form it should have.
        case malformed
        /// No answer before the deadline.
        case hang
        /// The process that asked died.
        case crashed
        /// A library or symbol could not be loaded.
        case library
        /// The vendor library answered with an error code.
        case vendor
        /// The host's command failed, or is missing.
        case command
    }

    package var reason: Reason
    /// What happened, with the path, symbol or code it happened to.
    package var detail: String

    package init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}

extension Reading: Codable {
    private enum State: String, Codable {
        case present, absent, unreadable, skipped
    }

    private enum Key: String, CodingKey {
        case state, value, reason, detail
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(State.self, forKey: .state) {
        case .present: self = .present(try container.decode(Value.self, forKey: .value))
        case .absent: self = .absent
        case .unreadable:
            let reason = try container.decode(ReadFailure.Reason.self, forKey: .reason)
            self = .unreadable(ReadFailure(reason, try container.decode(String.self, forKey: .detail)))
        case .skipped: self = .skipped(try container.decode(String.self, forKey: .detail))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .present(let value):
            try container.encode(State.present, forKey: .state)
            try container.encode(value, forKey: .value)
        case .absent: try container.encode(State.absent, forKey: .state)
        case .unreadable(let failure):
            try container.encode(State.unreadable, forKey: .state)
            try container.encode(failure.reason, forKey: .reason)
            try container.encode(failure.detail, forKey: .detail)
        case .skipped(let why):
            try container.encode(State.skipped, forKey: .state)
            try container.encode(why, forKey: .detail)
        }
    }
}
