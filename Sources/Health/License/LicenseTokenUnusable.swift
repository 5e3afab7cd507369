import NodeModel
import Planning
import Selection

extension Check {
    static let licenseTokenUnusable = Check(
        .licenseTokenUnusable,
        title: "the agent can read the license token",
        group: .license,
        phase: .prepare,
        meaning:
            "The configuration names a file with a license token (`license.tokenFile`). The file does not exist, is empty, "
            + "is too large, or cannot be read. The agent installs no GRID driver until it has the token. On a node whose "
            + "driver is installed, the finding is a warning.",
        advice:
            "Mount the token as a Secret into the agent's pod, at the path that `license.tokenFile` names "
            + "([install.md](install.md#license-of-a-grid-driver))."
    ) { node in
        guard node.surroundings.license?.tokenFile != nil, node.decision.driver?.kind == .grid,
            node.facts.driver.isOfThisAgent, let failure = node.facts.driver.surroundings?.licenseToken.failure
        else { return nil }
        let finding = Finding.licenseTokenUnusable(failure)
        return .warning(finding.observed, expected: finding.expected, remedy: finding.remedy)
    }
}
