/// The result of reading one fact.
///
/// An unreadable file and a missing file are different cases, so no later stage can confuse them. The JSON form keeps
/// them apart too: `{"state": "absent"}`. One unreadable fact does not spoil the rest of a probe.
///
/// A decision treats `absentBecause` as `absent`. The reason is for people: a function of NVIDIA's library that an old
/// driver lacks, a GPU without a sensor, or a value that needs more rights.
package enum Reading<Value: Codable & Sendable & Equatable>: Sendable, Equatable {
    /// The fact was read.
    case present(Value)
    /// The thing certainly does not exist.
    case absent
    /// The source does not have the fact, or does not give it to the agent, for this reason.
    case absentBecause(String)
    /// Reading failed, so it is not known whether the thing exists.
    case unreadable(ReadFailure)
    /// The probe did not read the fact, for this reason.
    case skipped(String)

    /// The value; nil in every state but `present`.
    package var value: Value? {
        guard case .present(let value) = self else { return nil }
        return value
    }

    /// Whether the thing does not exist, with or without a reason.
    package var isAbsent: Bool {
        switch self {
        case .absent, .absentBecause: true
        case .present, .unreadable, .skipped: false
        }
    }

    /// The failure; nil in every state but `unreadable`.
    package var failure: ReadFailure? {
        guard case .unreadable(let failure) = self else { return nil }
        return failure
    }

    /// Why it is not known whether the thing exists; nil when it is known.
    package var whyUnknown: String? {
        switch self {
        case .present, .absent, .absentBecause: nil
        case .unreadable(let failure): failure.detail
        case .skipped(let why): why
        }
    }

    /// A reading of a value that is computed from this one; other states do not change.
    package func map<Other>(_ transform: (Value) throws -> Other) rethrows -> Reading<Other> {
        switch self {
        case .present(let value): .present(try transform(value))
        case .absent: .absent
        case .absentBecause(let why): .absentBecause(why)
        case .unreadable(let failure): .unreadable(failure)
        case .skipped(let why): .skipped(why)
        }
    }

    /// A second reading that depends on this value; other states do not change.
    package func flatMap<Other>(_ transform: (Value) throws -> Reading<Other>) rethrows -> Reading<Other> {
        switch self {
        case .present(let value): try transform(value)
        case .absent: .absent
        case .absentBecause(let why): .absentBecause(why)
        case .unreadable(let failure): .unreadable(failure)
        case .skipped(let why): .skipped(why)
        }
    }
}

/// Why something could not be read.
package struct ReadFailure: Codable, Sendable, Equatable {
    /// The class of a failure.
    ///
    /// The names are stable.
    package enum Reason: String, Codable, Sendable, CaseIterable {
        /// The kernel or the driver denied access.
        case permission
        /// An input or output error.
        case io
        /// The content is not in the expected form.
        case malformed
        /// A newer version of the agent wrote the file.
        case newer
        /// No answer came before the deadline.
        case hang
        /// No answer came in the short time that a person waits; a longer wait can get one.
        case slow
        /// The child process that asked ended early.
        case crashed
        /// A library or symbol could not be loaded.
        case library
        /// NVIDIA's library returned an error code.
        case vendor
        /// A command on the host failed or does not exist.
        case command
    }

    package var reason: Reason
    /// What happened, and to which path, symbol or code.
    package var detail: String

    package init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }

    /// Whether no answer came in time, however long that was.
    package var isWithoutAnswer: Bool { [.hang, .slow].contains(reason) }
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
        case .absent:
            let why = try container.decodeIfPresent(String.self, forKey: .detail)
            self = why.map { .absentBecause($0) } ?? .absent
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
        case .absentBecause(let why):
            try container.encode(State.absent, forKey: .state)
            try container.encode(why, forKey: .detail)
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
