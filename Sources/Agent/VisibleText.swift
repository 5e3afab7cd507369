import FoundationEssentials
import NodeModel
import Support

/// A value with the control characters of all its texts replaced.
///
/// Names of processes, packages and devices are chosen by others, also by users of the host without rights, and
/// messages by servers and installers. Facts and the files of the agent reach terminals, logs, events and labels, so
/// this is done once when they are read. It works on the encoded value, because then no text can be forgotten.
///
/// - Returns: Nil when the value cannot be encoded, or cannot be read back without its control characters. No text of
///   such a value may reach a person.
func withoutControls<Value: Codable>(_ value: Value) -> Value? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    guard let data = try? encoder.encode(value) else { return nil }
    guard hasControls(data) else { return value }
    guard let parsed = try? JSONValue(parsing: data), let clean = try? parsed.visible.data() else { return nil }
    return try? JSONDecoder().decode(Value.self, from: clean)
}

/// Whether a JSON text has a control character, as itself or escaped.
private func hasControls(_ data: Data) -> Bool {
    // Nearly all values are printable ASCII without escapes, which one pass over the bytes shows.
    let isPlain = data.allSatisfy { (0x20...0x7e).contains($0) && $0 != UInt8(ascii: "\\") }
    if isPlain { return false }
    let text = String(decoding: data, as: UTF8.self)
    if text.visible.utf8.count != text.utf8.count || text.visible != text { return true }
    var isEscaped = false
    for byte in text.utf8 {
        if isEscaped, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { return true }
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
    }
    return false
}

extension Journal {
    /// The journal, with the control characters of the texts that a person reads replaced; unreadable when they cannot
    /// be.
    ///
    /// The steps and their inverses stay as they are. The agent runs their commands, and a command has line breaks.
    var visible: Reading<Journal> {
        var journal = self
        if let record {
            guard let clean = withoutControls(record) else { return .unreadable(.hasControls) }
            journal.record = clean
        }
        if let failure = uninstall?.step?.failure {
            guard let clean = withoutControls(failure) else { return .unreadable(.hasControls) }
            journal.uninstall?.step?.failure = clean
        }
        if let failed {
            guard let clean = withoutControls(failed) else { return .unreadable(.hasControls) }
            journal.failed = clean
        }
        journal.plan = plan.map { $0.map { StepID(rawValue: $0.rawValue.visible) } }
        if let version = uninstall?.version { journal.uninstall?.version = version.visible }
        for index in steps.indices {
            guard let failure = steps[index].failure else { continue }
            guard let clean = withoutControls(failure) else { return .unreadable(.hasControls) }
            journal.steps[index].failure = clean
        }
        return .present(journal)
    }
}

extension NodeFacts {
    /// The facts, with the control characters of all texts replaced; facts that say nothing when they cannot be.
    var visible: NodeFacts { withoutControls(self) ?? .unreadable(.hasControls) }
}

extension ReadFailure {
    /// Why a value with control characters is not used.
    fileprivate static let hasControls = ReadFailure(
        .malformed,
        "a text contains control characters that the agent cannot replace"
    )
}

extension JSONValue {
    /// The value with the control characters of all texts replaced, also of the members' names.
    fileprivate var visible: JSONValue {
        switch self {
        case .string(let text): .string(text.visible)
        case .array(let items): .array(items.map(\.visible))
        case .object(let members):
            .object(Dictionary(members.map { ($0.key.visible, $0.value.visible) }) { first, _ in first })
        case .null, .bool, .int, .double: self
        }
    }
}
