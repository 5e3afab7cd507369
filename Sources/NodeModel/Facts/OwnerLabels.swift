/// The Node's labels that say who owns its driver.
package struct OwnerLabels: Sendable, Equatable {
    /// The labels as they are now.
    package var current: Reading<[String: String]>
    /// The labels as the agent last read them; nil when it never read them.
    package var last: [String: String]?
    /// What the same Node says about the devices that pods can ask for.
    package var devices: Reading<OfferedDevices>

    package init(
        _ current: Reading<[String: String]>,
        last: [String: String]? = nil,
        devices: Reading<OfferedDevices> = .skipped(OfferedDevices.notRead)
    ) {
        self.current = current
        self.last = last
        self.devices = devices
    }
}

/// A source of these labels: the mirror of the Node in the daemon, and for commands the file that the daemon writes.
package protocol OwnerLabelSource: Sendable {
    func ownerLabels() async -> OwnerLabels
}

extension ClaimFacts {
    /// Returns the same traces with the labels of the driver owner.
    package func with(_ labels: OwnerLabels) -> ClaimFacts {
        var claims = self
        claims.nodeLabels = labels.current
        claims.lastNodeLabels = labels.current.value == nil ? labels.last : nil
        return claims
    }
}
