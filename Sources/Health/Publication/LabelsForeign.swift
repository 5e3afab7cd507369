package import NodeModel

extension ReasonCode {
    package static let labelsForeign = ReasonCode("labels-foreign")
}

extension Check {
    static let labelsForeign = Check(
        .labelsForeign,
        title: "the labels that others own have the values that the agent sees",
        group: .publication,
        phase: .publish,
        meaning:
            "Another field manager owns labels that the agent would write, mostly GPU feature discovery through the master "
            + "of Node Feature Discovery. With `labels.nvidia: auto`, the agent leaves these labels alone. With `always`, "
            + "it leaves those alone that have another value. When all values are the same, the check passes. When some "
            + "differ, the finding is a notice: it changes no verdict. Until feature discovery has noticed a change of the "
            + "GPUs, up to a minute, a difference is usual.",
        advice:
            "When feature discovery runs, give it the same MIG strategy and the same sharing as the device plugin and the "
            + "agent. When it does not run any more, remove its old labels with `kubectl label node NODE KEY-`, and the "
            + "agent sets them. Set `labels.nvidia: never` when only feature discovery should write these labels."
    ) { node in node.published.flatMap(foreignLabelsOutcome) }

    static func foreignLabelsOutcome(_ state: PublishedState) -> Outcome? {
        guard let labels = state.foreignLabels, !labels.isEmpty else { return nil }
        let managers = Set(labels.flatMap(\.managers)).sorted().map { "'\($0)'" }.joined(separator: ", ")
        let owner = managers.isEmpty ? "Nobody who is known" : "The field manager \(managers)"
        let expected = "labels with the values that the agent sees"
        let differing = labels.filter { $0.value != $0.wanted }
        guard !differing.isEmpty else {
            return .passed(
                "\(owner) owns \(labels.count) labels that the agent would write, with the same values.",
                expected: expected
            )
        }
        let shown = differing.prefix(5).map { "\($0.key) is '\($0.value)' in place of '\($0.wanted)'" }
        let rest = differing.count > shown.count ? ", and \(differing.count - shown.count) more" : ""
        return .notice(
            "\(owner) owns labels that differ from what the agent sees: \(shown.joined(separator: ", "))\(rest).",
            expected: expected,
            remedy: """
                Configure the other program as the agent, or stop it and remove these labels with kubectl label node \
                NODE KEY-. The agent then sets them.
                """
        )
    }
}
