package import NodeModel

extension Decision {
    /// The decision while nobody knows which settings apply to the node: the agent changes nothing.
    ///
    /// Nothing that follows from the settings stays, such as the driver. A node that the agent does not manage anyway
    /// keeps its decision, unless the configuration made it so.
    package func withoutSettings(_ problem: Finding) -> Decision {
        if action == .idle, ignored == nil { return self }
        return Decision(
            action: .blocked,
            gpus: gpus,
            platform: platform,
            summary: problem.code == .poolConflict
                ? "the agent changes nothing: more than one pool of the configuration matches this node"
                : "the agent waits: it does not know which pool of the configuration this node belongs to",
            evidence: [],
            problems: [problem]
        )
    }
}
