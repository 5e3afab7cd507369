package import NodeModel

/// Loads a driver that is on the host and that the agent keeps.
package struct Adoption: Recipe {
    package var driver: DriverFacts
    /// The services of the driver that an interrupted install or uninstall stopped.
    package var stoppedServices: [String]

    /// What belongs around the driver; nil to leave it alone.
    package var surroundings: Surroundings?

    package init(driver: DriverFacts, stoppedServices: [String] = [], surroundings: Surroundings? = nil) {
        self.driver = driver
        self.stoppedServices = stoppedServices
        self.surroundings = surroundings
    }

    package var operations: [any Operation] {
        (surroundings?.beforeLoad ?? []) + (needsLoading ? [LoadModules()] : [])
            + (needsLoading ? [] : surroundings?.deviceNodes ?? [])
            + (stoppedServices.isEmpty ? [] : [StartServices(units: stoppedServices)])
            + (needsLoading ? [VerifyNode()] : []) + (surroundings?.afterInstall ?? [])
    }

    /// Whether the kernel module is not loaded, or one of the device nodes is missing.
    ///
    /// At boot, udev loads `nvidia` but not `nvidia-uvm`, which CUDA needs.
    private var needsLoading: Bool {
        if driver.loadedVersion.isAbsent { return true }
        guard let nodes = driver.deviceNodes.value else { return driver.deviceNodes.isAbsent }
        return !Planner.neededNodes.allSatisfy(nodes.contains)
    }
}
