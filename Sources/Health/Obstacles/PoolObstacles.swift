import NodeModel

/// The codes for a node whose settings are not known, because the configuration has pools.
extension Check {
    static let poolUnknown = Check(
        .poolUnknown,
        title: "the agent knows the pool of this node",
        group: .selection,
        phase: .select,
        raisedAs: .unknown,
        meaning: "The configuration has [pools](pools.md), and the agent does not know the labels of the Node, which "
            + "say which pool the node belongs to. It changes nothing until it knows them. The daemon reads them when it "
            + "starts, and tries again after a few seconds, and then every minute.",
        advice: "Make the API server reachable, and read the log of the daemon. A command on the node knows the labels "
            + "after the daemon has read them. `gpu-agent plan --labels KEY=VALUE` takes them from the command line."
    )

    static let poolConflict = Check(
        .poolConflict,
        title: "one pool of the configuration matches this node",
        group: .selection,
        phase: .select,
        meaning: "More than one of the [pools](pools.md) in the configuration matches the labels of the Node. The "
            + "agent changes nothing: what it wrote to the Node before stays.",
        advice: "Change the `nodeSelector` of a pool, or a label of the Node, so that one pool matches. "
            + "`gpu-agent config explain` prints what each pool compares, and `gpu-agent config check` names the pools "
            + "that can match the same node."
    )
}
