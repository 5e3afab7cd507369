import Health
import NodeModel

/// The text of `docs/reason-codes.md`, created from the registry of checks.
struct ReasonCodeDocument {
    var checks = CheckRegistry.checks

    var text: String {
        ([introduction] + Check.Group.allCases.map(section)).joined(separator: "\n\n") + "\n"
    }

    private var introduction: String {
        """
        <!-- Written by the tests of HealthTests from the checks in Sources/Health. Change the text there, then run
             UPDATE_GOLDEN=1 scripts/test --filter HealthTests -->

        # Reason codes

        A reason code names one thing that can be wrong with a node. It is the reason for a verdict, the name of a
        finding in `status` and `validate`, and the label `code` of the metric `gpu_agent_check_passed`. Codes are
        stable: a code is never renamed, and never used for something else.

        A finding says what the agent observed, what it expected and what to do. This page explains each code in general:

        - **Follows from** lists the codes whose failure explains this one. While one of them fails, the agent leaves
          this finding out of its reports and metrics.
        - **Counts after** is how long a failure must last before the daemon counts it. Until then the finding is a
          notice, which does not change the verdict. Until the daemon has seen the node `ready` or `degraded` once,
          every failure counts immediately. The commands `status` and `validate` do not wait either.

        If several things are wrong, the most severe finding is the reason for the verdict. A failure is more severe
        than an unknown result, and an unknown result is more severe than a warning. Of several findings with the same
        severity, the one whose code comes first in this table is the reason.

        | code | passes when | section |
        | --- | --- | --- |
        \(checks.map(row).joined(separator: "\n"))
        """
    }

    private func row(_ check: Check) -> String {
        let section = "[\(check.group.rawValue)](#\(anchor(check.group)))"
        return "| [`\(check.code.rawValue)`](#\(check.code.rawValue)) | \(check.title) | \(section) |"
    }

    private func section(_ group: Check.Group) -> String {
        (["## \(group.rawValue)", group.introduction].compactMap(\.self)
            + checks.filter { $0.group == group }.map(entry)).joined(separator: "\n\n")
    }

    private func entry(_ check: Check) -> String {
        let causes = check.dependencies.map { "[`\($0.rawValue)`](#\($0.rawValue))" }.joined(separator: ", ")
        let seconds = check.settlingTime.components.seconds
        let facts = [
            causes.isEmpty ? nil : "- Follows from: \(causes)",
            seconds == 0 ? nil : "- Counts after: \(seconds) seconds",
        ].compactMap(\.self)
        return
            ([
                "### \(check.code.rawValue)", check.meaning, "**What to do:** \(check.advice)",
                facts.joined(separator: "\n"),
            ]).filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    /// The anchor that GitHub creates for a heading.
    private func anchor(_ group: Check.Group) -> String {
        String(
            group.rawValue.lowercased().filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" }
                .map { $0 == " " ? "-" : $0 }
        )
    }
}
