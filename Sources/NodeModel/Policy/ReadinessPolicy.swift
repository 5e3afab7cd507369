/// When a node counts as ready, and which taints of other programs go then.
package struct ReadinessPolicy: Codable, Sendable, Equatable {
    /// What must offer the GPUs to pods before the node is ready for the first time after a boot.
    package enum Offer: String, Codable, Sendable, CaseIterable {
        /// Nothing: the node is ready as soon as CUDA works.
        case none
        /// A device plugin, in `status.allocatable` of the Node.
        case devicePlugin = "device-plugin"
        /// NVIDIA's driver for dynamic resource allocation, in ResourceSlices.
        case dra
    }

    package var waitFor: Offer
    /// The taints that node pools and autoscalers put on new nodes for this agent, which it removes and never adds.
    package var startupTaints: [StartupTaint]

    package init(waitFor: Offer = .none, startupTaints: [StartupTaint] = StartupTaint.presets) {
        self.waitFor = waitFor
        self.startupTaints = startupTaints
    }
}

/// A taint with which a node starts, by its key and its effect; its value does not matter.
package struct StartupTaint: Codable, Sendable, Hashable, CustomStringConvertible {
    /// The effects of Kubernetes.
    package enum Effect: String, Codable, Sendable, CaseIterable {
        case noSchedule = "NoSchedule"
        case preferNoSchedule = "PreferNoSchedule"
        case noExecute = "NoExecute"
    }

    package var key: String
    package var effect: Effect

    package init(key: String, effect: Effect = .noSchedule) {
        self.key = key
        self.effect = effect
    }

    /// The taints that the agent removes unless the configuration has its own list.
    ///
    /// The cluster autoscaler takes every taint with one of these two prefixes for one that goes, without an option. So a
    /// pool whose autoscaler cannot be configured can use them. The admission policy has the same list.
    package static let presets = ["startup-taint", "ignore-taint"].map {
        StartupTaint(key: "\($0).cluster-autoscaler.kubernetes.io/gpu-agent")
    }

    /// The taint as `kubectl` writes it: `KEY:EFFECT`.
    package var description: String { "\(key):\(effect.rawValue)" }
}
