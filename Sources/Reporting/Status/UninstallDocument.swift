package import NodeModel
package import Planning

/// The output of `gpu-agent uninstall`.
package struct UninstallDocument: Encodable, Sendable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "Uninstall"
    /// The version of the agent's driver; nil when the agent has not changed the driver of the host.
    package var version: String?
    /// Whether the steps have been executed.
    package var done: Bool
    /// Why there is nothing to do, as a clause; nil when there is something.
    package var nothing: String?
    /// The steps, in order.
    package var steps: [PlannedStep]
    /// What stays on the host.
    package var left: [Uninstall.Left]
    /// What prevents the uninstall.
    package var problems: [Finding]

    /// - Parameters:
    ///   - plan: The plan.
    ///   - done: Whether its steps have been executed.
    package init(_ plan: Uninstall, done: Bool) {
        version = plan.version
        self.done = done
        nothing = plan.nothing
        steps = plan.steps
        left = plan.left
        problems = plan.problems
    }

    package func text(_ style: Style) -> String {
        let sections = [head(style), obstacles(style), stepLines(style), leftLines(style)]
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    private func head(_ style: Style) -> [String] {
        if let nothing { return ["\(style.bold("nothing to uninstall")): \(nothing)"] }
        let subject =
            version.map { "driver \($0)" }
            ?? (isOnlyPackages ? "the packages for the build" : "the interrupted install")
        if done { return ["\(style.bold("uninstalled")): \(subject)"] }
        guard problems.isEmpty else {
            let name = version.map { "driver \($0)" } ?? "the driver"
            return ["\(style.bold("not possible")): uninstall \(name)"]
        }
        return ["\(style.bold("uninstall")): \(subject)"]
    }

    /// Whether the only step removes packages, because no journal names an install.
    private var isOnlyPackages: Bool { steps.map(\.id) == [.removeBuildPackages] }

    private func obstacles(_ style: Style) -> [String] {
        problems.isEmpty ? [] : [style.bold("Obstacles")] + StepText(style: style).lines(problems)
    }

    private func stepLines(_ style: Style) -> [String] {
        guard !done, !steps.isEmpty else { return [] }
        let condition = problems.isEmpty ? "" : " after the obstacles are removed"
        return [style.bold("Steps") + condition] + StepText(style: style).lines(steps)
    }

    private func leftLines(_ style: Style) -> [String] {
        guard !left.isEmpty else { return [] }
        return [style.bold("What stays")] + left.map { "  \($0.path.map { "\($0): " } ?? "")\($0.what)" }
    }
}
