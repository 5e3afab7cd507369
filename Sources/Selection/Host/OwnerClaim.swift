import NodeModel

/// One owner of a host's driver, with how that is known and how it ends.
struct OwnerClaim: Equatable {
    var owner: DriverOwner
    /// Where it was seen.
    var source: String
    /// What was seen there, in words.
    var statement: String
    /// What an operator does so that another driver can come.
    var wayOut: String
    /// How its driver is removed whole; nil where nobody but the owner can.
    var removal: DriverRemoval?

    var evidence: Evidence { Evidence(.owner, source, statement) }
}
