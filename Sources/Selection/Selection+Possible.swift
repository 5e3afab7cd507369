package import Catalog
package import NodeModel

extension Selection {
    /// The drivers that the agent can install for the GPUs of a node.
    package struct PossibleDrivers: Sendable {
        /// The drivers in the order in which the agent would choose them; each has a checksum.
        package var drivers: [CatalogDriver]
        /// The decision without these drivers, which says why there is no further one.
        package var decision: Decision
    }

    /// Finds all drivers that the agent can install for the GPUs of a node.
    ///
    /// The driver on the host and its owner do not count. Each driver is the choice of `decide` when the catalog has no
    /// checksum for the ones before it. They stay in the catalog, because the release of a vGPU host follows from them.
    package func possibleDrivers(_ facts: NodeFacts) -> PossibleDrivers {
        var selection = self
        // Only the packages of NVIDIA count.
        selection.policy.source = .runfile
        let facts = facts.withoutDriver
        var found: [CatalogDriver] = []
        var decision = selection.decide(facts)
        while decision.action == .install, let target = decision.driver,
            let index = selection.catalog.drivers.firstIndex(where: { target.isPackage(of: $0) })
        {
            found.append(selection.catalog.drivers[index])
            selection.catalog.drivers[index].artifact.digest = nil
            decision = selection.decide(facts)
        }
        return PossibleDrivers(drivers: found, decision: decision)
    }
}

extension DriverTarget {
    fileprivate func isPackage(of driver: CatalogDriver) -> Bool {
        kind == driver.kind && version == driver.version && artifact == driver.artifact
    }
}

extension NodeFacts {
    /// The same node without a driver and without owners of a driver.
    fileprivate var withoutDriver: NodeFacts {
        var facts = self
        facts.driver = .absent
        facts.claims = .skipped("the driver on the host does not count")
        return facts
    }
}
