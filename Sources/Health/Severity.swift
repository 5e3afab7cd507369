package import NodeModel

/// The severity of a finding for the verdict.
///
/// The order of the states is `failed`, `unknown`, `skipped` and `warning`, the most severe first. Among findings with
/// the same state, the order of the registry decides.
package struct Severity: Comparable, Sendable {
    private let weight: Int
    private let position: Int

    /// Nil for a finding that does not change the verdict.
    package init?(_ finding: Finding) {
        switch finding.state {
        case .failed: weight = 4
        case .unknown: weight = 3
        case .skipped: weight = 2
        case .warning: weight = 1
        case .notice, .pass, .notApplicable: return nil
        }
        position = CheckRegistry.position(of: finding.code)
    }

    package static func < (left: Severity, right: Severity) -> Bool {
        (left.weight, right.position) < (right.weight, left.position)
    }
}

extension [Finding] {
    /// The finding that decides the verdict: the most severe one, and the first one among equals.
    package var decider: Finding? {
        let weighed = compactMap { finding in Severity(finding).map { (finding: finding, severity: $0) } }
        // Among equal elements, `min` returns the first one and `max` the last one.
        return weighed.min { $0.severity > $1.severity }?.finding
    }

    /// The findings in the order of the registry.
    ///
    /// Findings with the same code keep their order.
    var inOrder: [Finding] {
        enumerated().sorted {
            (CheckRegistry.position(of: $0.element.code), $0.offset)
                < (CheckRegistry.position(of: $1.element.code), $1.offset)
        }.map(\.element)
    }
}

extension Verdict {
    /// The verdict that follows from the deciding finding.
    ///
    /// When the agent cannot tell whether the GPUs work, a failure of something else does not show that they do not.
    init(decidedBy finding: Finding?, _ readiness: Readiness) {
        switch finding?.state {
        case .failed: self = readiness == .unknown ? .unknown : .notReady
        case .unknown, .skipped: self = .unknown
        case .warning: self = .degraded
        case .notice, .pass, .notApplicable, nil: self = .ready
        }
    }
}
