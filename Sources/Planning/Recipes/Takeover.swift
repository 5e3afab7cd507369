package import NodeModel
import Selection

/// Removes the driver of another owner from the host before the agent installs its own.
package struct Takeover: Recipe {
    package var owner: DriverOwner
    /// The commands that remove the driver; nil when the host no longer has it.
    package var removal: DriverRemoval?
    /// The version of the driver that the agent installs instead.
    package var version: String
    /// The path of the driver package that the agent installs instead.
    package var package: String
    /// The directory in which a package unpacks itself.
    private let work: String

    package init(facts: NodeFacts, owner: DriverOwner, version: String, package: String) {
        self.owner = owner
        self.version = version
        self.package = package
        work = facts.build.workDirectory
        removal = facts.removal(of: owner)
    }

    package var operations: [any Operation] {
        guard let removal else { return [] }
        return [RemoveDriver(owner: owner, removal: removal, version: version, package: package, work: work)]
    }
}
