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
        let view = await asking(view, mig, settling)
        // What prepares the next boot is not in the way of the layout.
        guard install != nil, view.plan.steps.allSatisfy({ StepID.ofNextBoot.contains($0.id) }) else {
            return view.waitingWithTheLayout(inspector.setup)
        }
        let restored = await restored(view, &mig.restoration, &settling)
        return await followed(await asking(restored, mig, settling), &mig.follower, &settling)
    }

    /// The view with what the node waits for before it is ready: a MIG layout that a label names, and the offer to pods.
    func asking(_ view: NodeView, _ mig: MIGWork, _ settling: Settling) async -> NodeView {
        await waitingForOffer(await askingForLayout(view, mig, settling), settling)
    }

    /// The view with the MIG layout that a label of the Node names, if it is not there.
    ///
    /// Without it, the node would count as ready before the layout is made, and the first pod would prevent it.
    private func askingForLayout(_ view: NodeView, _ mig: MIGWork, _ settling: Settling) async -> NodeView {
        guard inspector.setup.policy.migConfigFile != nil, install != nil, view.facts.driver.isLoaded, let cluster,
            let request = await cluster.mirror.migRequest
        else { return view }
        // The first agent of a node that works must not take it away from the pods that use its GPUs.
        let hasWorked = settling.hasWorked || view.facts.claims.isDriverUsedByOthers
        return view.with(mig.follower.wish(request.decision, hasWorked: hasWorked), inspector.setup)
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
            view = view.with(follower.wish(request.decision, hasWorked: settling.hasWorked), inspector.setup)
        }
        view.migState = follower.state.map { .set($0) } ?? .none
        return view
    }
}

extension NodeView {
    /// The view of a node with other steps to do, whose layout no attempt is made for meanwhile.
    ///
    /// They can fail for ever, so the layout does not keep the node from being used.
    fileprivate func waitingWithTheLayout(_ setup: Setup) -> NodeView {
        guard var wish = facts.labelMIG, wish.state == .first || wish.state == .making else { return self }
        (wish.state, wish.why) = (.waiting, "the steps for the driver come first")
        return with(wish, setup)
    }
}
