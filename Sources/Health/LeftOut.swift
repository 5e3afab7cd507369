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
        if leftOut[.cudaFailed] != nil, readiness == .usable { report.readiness = .unknown }
        // Otherwise a node whose GPUs do not work would pass, because nothing is left that says so.
        let isDown = found.contains { leftOut[$0.code] != nil && $0.showsThatGPUsDoNotWork }
        if isDown, [.ready, .degraded].contains(verdict) {
            (report.readiness, report.verdict) = (.unknown, .unknown)
            report.nextAction = "Do not leave out the check that failed: it shows that the GPUs do not work."
            return report.namingLeftOut(leftOut, among: found)
        }
        if verdict == .ready { report.nextAction = "Nothing to do: no check that ran has failed." }
        return report.namingLeftOut(leftOut, among: found)
    }

    private func namingLeftOut(_ leftOut: [ReasonCode: String], among found: [Finding]) -> NodeReport {
        var report = self
        var seen: Set<ReasonCode> = []
        for finding in found where finding.state != .notApplicable {
            guard let why = leftOut[finding.code], seen.insert(finding.code).inserted else { continue }
            let skipped = Finding(finding.code, .skipped, observed: why, expected: finding.expected)
            report.findings.append(skipped.explained)
        }
        return report
    }
}
