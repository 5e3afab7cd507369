package import NodeModel
import Support

/// Which checks a person leaves out, by reason code or by section.
package struct CheckChoice: Sendable, Equatable {
    /// The codes of the checks.
    package private(set) var codes: Set<ReasonCode> = []
    /// The words that name neither a check nor a section, in their order.
    package private(set) var unknown: [String] = []

    /// Reads words such as `labels-foreign` or `license`, and lists of them with commas.
    package init(_ words: [String]) {
        for word in words.flatMap({ $0.split(separator: ",").map(String.init) }) {
            if let code = ReasonCode(rawValue: word), CheckRegistry.check(code) != nil {
                codes.insert(code)
            } else if let group = Check.Group.allCases.first(where: { $0.word == word }) {
                codes.formUnion(CheckRegistry.checks.filter { $0.group == group }.map(\.code))
            } else {
                unknown.append(word.visible.shortened(to: 100))
            }
        }
    }

    /// Every word that names a check or a section, the sections first.
    package static var words: [String] {
        Check.Group.allCases.map(\.word) + CheckRegistry.checks.map(\.code.rawValue)
    }
}

extension Check.Group {
    /// The name of the section on the command line, such as `license`.
    package var word: String { "\(self)" }
}

extension NodeReport {
    /// The report with the checks that were left out, and without a statement that only they could make.
    ///
    /// - Parameters:
    ///   - leftOut: The codes of these checks, with the reason.
    ///   - found: The findings of all checks.
    /// - Returns: The report, in which a check that was left out is `skipped`. Its finding decides nothing.
    func withoutLeftOut(_ leftOut: [ReasonCode: String], among found: [Finding]) -> NodeReport {
        guard !leftOut.isEmpty else { return self }
        var report = self
        // Otherwise a node would pass on which nothing shows that its GPUs work, because the checks that remain do not apply
        // to it.
        let hidden = found.first { leftOut[$0.code] != nil && [.failed, .unknown, .skipped].contains($0.state) }
        if let hidden, readiness != .usable, [.ready, .degraded].contains(verdict) {
            report.verdict = hidden.state == .failed ? .notReady : .unknown
            report.reason = hidden.code
            report.nextAction = "Do not leave out \(hidden.code.rawValue): nothing else shows that the GPUs work."
        } else if leftOut[.cudaFailed] != nil, readiness == .usable {
            report.readiness = .unknown
        }
        if report.verdict == .ready { report.nextAction = "Nothing to do: no check that ran has failed." }
        var seen: Set<ReasonCode> = []
        for finding in found where finding.state != .notApplicable {
            guard let why = leftOut[finding.code], seen.insert(finding.code).inserted else { continue }
            let skipped = Finding(finding.code, .skipped, observed: why, expected: finding.expected)
            report.findings.append(skipped.explained)
        }
        return report
    }
}
