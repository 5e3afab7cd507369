/// The Node's labels that say who owns its driver.
package struct OwnerLabels: Sendable, Equatable {
    /// The labels as they are now.
    package var current: Reading<[String: String]>
    /// The labels as the agent last read them; nil when it never read them.
    package var last: [String: String]?

    package init(_ current: Reading<[String: String]>, last: [String: String]? = nil) {
        self.current = current
        self.last = last
    }
}

/// Whoever knows those labels: the mirror of the Node in the daemon, and for commands the file that the daemon leaves.
package protocol OwnerLabelSource: Sendable {
    func ownerLabels() async -> OwnerLabels
}

extension ClaimFacts {
    /// The same traces with what the cluster says of the driver's owner.
    package func with(_ labels: OwnerLabels) -> ClaimFacts {
        var claims = self
        claims.nodeLabels = labels.current
        claims.lastNodeLabels = labels.current.value == nil ? labels.last : nil
        return claims
    }
}
