package import NodeModel
import Planning
import Selection
import Support

extension Prober {
    /// What an agent on this host does now, or waits for, given a view of the node and what the daemon published.
    ///
    /// Nil when no agent does or waits for anything.
    package func activity(_ view: NodeView, _ published: PublishedState?) async -> Activity? {
        let activity = await ActivityFile(root: root).load()
        switch activity?.kind {
        // An agent that was killed leaves the file. Then nobody holds the lock, and no job runs.
        case .step, .job:
            if view.report.verdict == .installing { return activity }
            if view.journal?.uninstall?.state == .started, await isChanging() { return activity }
        case .retry:
            // A daemon that still runs makes the next attempt soon after this time.
            let isOver = (activity?.until).map { $0.seconds + 600 < now() } ?? true
            if view.report.verdict != .installing, !view.plan.steps.isEmpty, !isOver { return activity }
        case .node, nil: break
        }
        guard view.plan.decision.waitsForOwnership, let published, let why = published.ownerLabelsFailure,
            let since = published.ownerLabelsFailedSince
        else { return nil }
        return Activity(kind: .node, subject: why, since: since)
    }
}
