import Cluster
import Health
import NodeModel

extension Reconciler {
    /// The view of a node that must offer its GPUs to pods before it is ready, as `readiness.waitFor` says.
    ///
    /// The daemon looks only at a node on which CUDA works, and only before the node was ready for the first time since the
    /// boot. After that, a restart of the device plugin takes nothing away from pods.
    func waitingForOffer(_ view: NodeView, _ settling: Settling) async -> NodeView {
        guard let cluster, !settling.hasWorked, view.facts.offerWait != nil || view.report.readiness == .usable else {
            offerAlarm.cancel()
            return view
        }
        switch inspector.setup.policy.readiness.waitFor {
        case .none: return view
        case .devicePlugin:
            // The watch of the Node wakes the loop when this changes.
            let devices = await cluster.mirror.knownOwners.devices
            return view.with(OfferWait(allocatable: devices.map(\.allocatable)), inspector.setup)
        case .dra:
            let slices = await cluster.slices.offered()
            let waiting = view.with(OfferWait(slices: slices), inspector.setup)
            let isOver = waiting.report.readiness == .usable
            offerAlarm.ring(in: isOver ? nil : await cluster.slices.untilNext)
            return waiting
        }
    }
}
