import NodeModel

/// A driver owner, with the trace that shows it and the way to hand the driver over.
struct OwnerClaim: Equatable {
    var owner: DriverOwner
    /// Where the agent found the trace, such as `dkms` or `node label`.
    var source: String
    /// What the trace shows, in one or two sentences.
    var statement: String
    /// What an operator does so that the agent can install its driver, in one or two sentences.
    var howToHandOver: String
    /// How the agent removes the driver completely; nil when only the owner can remove it.
    var removal: DriverRemoval?

    var evidence: Evidence { Evidence(.owner, source, statement) }
}
