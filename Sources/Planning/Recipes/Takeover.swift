package import NodeModel
import Selection

/// Removes what is on the host of another owner's driver, so that the agent's own can take its place.
package struct Takeover: Recipe {
    package var owner: DriverOwner
    /// How that driver is removed; nil when nothing of it is there any more.
    package var removal: DriverRemoval?
    /// The version of the driver that takes its place.
    package var version: String

    package init(facts: NodeFacts, owner: DriverOwner, version: String) {
        self.owner = owner
        self.version = version
        removal = facts.removal(of: owner)
    }

    package var operations: [any Operation] {
        removal.map { [RemoveDriver(owner: owner, removal: $0, version: version)] } ?? []
    }
}
