import Health
import NodeModel
import Support

/// A result of a validation for programs that count test cases: the answer as a whole, or one check.
///
/// The texts can have come from a file of another program, so each is one line without control characters.
struct ValidationCase: Sendable, Equatable {
    enum Result: Sendable, Equatable {
        case passed
        /// It makes the command fail.
        case failed
        /// The agent cannot tell, and this makes the command fail.
        case unknown
        /// A problem that does not make the command fail.
        case noted
        /// Something that is useful to know, and no problem.
        case remark
        case skipped
    }

    var result: Result
    /// The section of the check, such as `gpus`; `node` for the answer as a whole.
    var section: String
    /// The reason code; `verdict` for the answer as a whole.
    var code: String
    /// What is true when the check passes, as a clause.
    var title: String
    var observed: String
    var expected: String
    var remedy: String

    private init(_ document: ValidationDocument) {
        result = document.success ? .passed : document.outcome == .unknown ? .unknown : .failed
        section = "node"
        code = "verdict"
        title = "the GPUs of the node work"
        let why = document.reason.map { " (\($0.rawValue))" } ?? ""
        let parts = [document.verdict.rawValue + why, document.note].compactMap(\.self)
        observed = Self.line(parts.joined(separator: ": "))
        expected = document.failOn == .warning ? "ready" : "ready or degraded"
        remedy = Self.line(document.nextAction)
    }

    private init(_ finding: Finding, _ rules: ValidationRules) {
        result =
            switch finding.state {
            case .pass: .passed
            case .notApplicable, .skipped: .skipped
            case .unknown: rules.counts(.unknown) ? .unknown : .noted
            case .failed, .warning: rules.counts(finding.state) ? .failed : .noted
            case .notice: .remark
            }
        section = CheckRegistry.check(finding.code)?.group.word ?? "other"
        code = finding.code.rawValue
        title = Self.line(finding.title)
        observed = Self.line(finding.observed)
        expected = Self.line(finding.expected)
        remedy = Self.line(finding.remedy.text)
    }

    /// The cases of a validation.
    ///
    /// The first one is the answer as a whole, so that a pipeline that counts failed cases fails exactly when the command
    /// does. A failed check of a node that the rules accept is only noted.
    static func all(in document: ValidationDocument) -> [ValidationCase] {
        let rules = ValidationRules(failOn: document.failOn)
        let cases = document.checks.map { ValidationCase($0, rules) }
        guard document.success else { return [ValidationCase(document)] + cases }
        return [ValidationCase(document)]
            + cases.map { item in
                var item = item
                if [.failed, .unknown].contains(item.result) { item.result = .noted }
                return item
            }
    }

    /// The code and the title in one line.
    var name: String { title.isEmpty ? code : "\(code): \(title)" }

    private static func line(_ text: String) -> String { redacted(text).visible.shortened(to: Finding.textLimit) }
}
