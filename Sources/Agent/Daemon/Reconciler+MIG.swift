import Cluster
import Health
import NodeModel
import Planning
import Selection

/// What the daemon does about MIG layouts, from one inspection to the next.
struct MIGWork {
    var restoration = MIGRestoration()
    var follower = MIGLabelFollower()
}

extension Reconciler {
    /// The view after the MIG layouts were made that are lost, or that a label of the Node names.
    func withMIGLayouts(_ view: NodeView, _ mig: inout MIGWork, _ settling: inout Settling) async -> NodeView {
        guard install != nil, view.plan.steps.isEmpty else { return view }
        let view = await restored(view, &mig.restoration, &settling)
        return await followed(view, &mig.follower, &settling)
    }

    /// The view after lost MIG layouts were made again.
    ///
    /// An attempt can take minutes. So the cluster hears first that the node is not ready.
    private func restored(
        _ view: NodeView,
        _ restoration: inout MIGRestoration,
        _ settling: inout Settling
    ) async -> NodeView {
        let facts = view.plan.decision.managed(view.facts)
        guard let install, restoration.isDue(facts, at: .now) else { return view }
        let heart = heartbeat()
        defer { heart.cancel() }
        let begun = NodeView(inspector.setup, facts: view.facts, journal: view.journal, restoresMIG: true)
        await publish(settled(begun, &settling))
        await restoration.restore(inspector.prober, facts, pod: install.pod, logger)
        return await inspector.look()
    }

    /// The view after the MIG layout was made that a label of the Node names.
    private func followed(
        _ view: NodeView,
        _ follower: inout MIGLabelFollower,
        _ settling: inout Settling
    ) async -> NodeView {
        guard let path = inspector.setup.policy.migConfigFile, let install, let cluster else { return view }
        var view = view
        guard let request = await cluster.mirror.migRequest, view.facts.driver.isLoaded else { return view }
        follower.note(request.decision, logger)
        if let layout = follower.due(request.decision, at: .now) {
            let heart = heartbeat()
            defer { heart.cancel() }
            view.migState = .set(.pending)
            await publish(settled(view, &settling))
            let managed = Set(view.plan.decision.managed(view.facts).gpus.map(\.address))
            let ignored = Set(view.facts.gpus.map(\.address)).subtracting(managed)
            let (prober, pod) = (inspector.prober, install.pod)
            await follower.make(layout, from: path, besides: ignored, prober, pod: pod, logger)
            view = await inspector.look()
        }
        view.migState = follower.state.map { .set($0) } ?? .none
        return view
    }
}
