package import NodeModel

extension ReasonCode {
    package static let publicationFailed = ReasonCode("publication-failed")
}

extension Check {
    static let publicationFailed = Check(
        .publicationFailed,
        title: "the API server has accepted the state of this node",
        group: .publication,
        phase: .publish,
        meaning:
            "The agent cannot write the state of the node to the API server. So the labels, the taint, the conditions "
            + "and the events of the Node are out of date. If only the conditions are out of date, the finding says "
            + "so. A taint from the registration of the node keeps pods away, even when the GPUs work. The finding has "
            + "the error and the time of the last success. The commands `status` and `validate` report it, and the "
            + "body of `/readyz` contains it. It changes neither the status of `/readyz` nor the published verdict.",
        advice:
            "If the API server refused the request, correct the rights or the admission policy that the error names "
            + "([Rights](deployment.md#rights)). Otherwise restore the connection from the node to the API server. "
            + "The agent retries within seconds, and later at least once a minute."
    ) { node in node.published.flatMap(publicationOutcome) }

    static func publicationOutcome(_ state: PublishedState) -> Outcome? {
        let expected = "a publication that the API server accepted"
        guard let failure = state.failure else {
            if let failure = state.conditionsFailure {
                return .warning(
                    "The agent cannot write its node conditions: \(failure). Its labels and its taint are up to date.",
                    expected: "conditions that the API server accepted",
                    remedy: state.areConditionsRefused == true ? refused : unreachable
                )
            }
            return state.at.map { .passed("node \(state.node), at \($0)", expected: expected) }
        }
        let last = state.at.map { "The last success was at \($0)." } ?? "No publication has succeeded yet."
        return .warning(
            "\(failure). \(last)",
            expected: expected,
            remedy: state.isRefused == true ? refused : unreachable
        )
    }

    private static let refused: Remedy =
        "Correct the rights of the agent or the policy that the error names. See docs/deployment.md#rights."
    private static let unreachable: Remedy =
        "Restore the connection from this node to the API server. The agent retries at least once a minute."
}
