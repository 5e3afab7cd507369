package import NodeModel

/// Whether the GPU Operator's upgrade controller must leave the node out.
///
/// On a node with a driver of the host, the pod of the operator's driver never gets ready, and goes. An upgrade that has
/// begun waits for this pod for ever, and the node stays cordoned.
package enum UpgradeSkip: Sendable, Equatable {
    case needed
    case notNeeded
    /// The label stays as it is.
    case unknown

    /// - Parameters:
    ///   - use: What the configuration asks for.
    ///   - facts: The facts of the node.
    ///   - verdict: The verdict about them.
    package init(_ use: HandoverUse, _ facts: NodeFacts, _ verdict: Verdict) {
        guard use != .never, verdict != .leftAlone, verdict != .noGPU else {
            self = .notNeeded
            return
        }
        let claims = facts.claims
        if claims.nodeLabels.failure != nil, claims.lastNodeLabels == nil {
            self = .unknown
            return
        }
        let labels = claims.knownNodeLabels
        let value = labels[OwnerLabel.gpuOperatorDriver] ?? ""
        let state = labels[OperatorLabel.upgradeState] ?? ""
        let isUnfinished = !["", "upgrade-done"].contains(state)
        let isWatched = isUnfinished || labels[OperatorLabel.upgradeEnabled] == "true"
        // With another value, the operator starts no pod of its driver here, so no upgrade begins.
        let mayBegin = value == "true" || value.contains("paused")
        guard isUnfinished && !value.isEmpty || isWatched && mayBegin else {
            self = .notNeeded
            return
        }
        if facts.hasOwnDriver || !facts.driver.sources.isEmpty {
            self = .needed
        } else {
            self = facts.driver.sourceFailure == nil ? .notNeeded : .unknown
        }
    }
}
