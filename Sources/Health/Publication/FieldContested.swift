package import NodeModel

extension ReasonCode {
    package static let fieldContested = ReasonCode("field-contested")
}

extension Check {
    static let fieldContested = Check(
        .fieldContested,
        title: "no other client changes the fields of the agent",
        group: .publication,
        phase: .publish,
        meaning:
            "Another client of the API server keeps changing a label, the taint or a condition of the agent. The agent "
            + "sets such a field again at most three times a minute, so the field can have the wrong value. The "
            + "finding names the field manager of the other client, as `kubectl get node NODE -o yaml --show-managed-fields` "
            + "shows it.",
        advice:
            "Configure the other client so that it does not write this field. Or use another prefix for the labels and "
            + "the taint of the agent (`labels.prefix`), or other types for its conditions (`conditions`)."
    ) { node in node.published.flatMap(contestOutcome) }

    static func contestOutcome(_ state: PublishedState) -> Outcome? {
        guard let contested = state.contested, !contested.isEmpty else { return nil }
        let fields = contested.map { contest in
            let others = contest.managers.map { "'\($0)'" }.joined(separator: ", ")
            return contest.managers.isEmpty
                ? "A client keeps removing \(contest.field)."
                : "The field manager \(others) keeps changing \(contest.field)."
        }
        return .warning(
            fields.joined(separator: " "),
            expected: "fields that only the agent writes",
            remedy: Remedy(
                "Configure the other client so that it does not write this field, or set another 'labels.prefix' or "
                    + "other 'conditions'."
            )
        )
    }
}
