package import NodeModel

/// Loads a driver that is on the host and that the agent keeps.
package struct Adoption: Recipe {
    package var driver: DriverFacts
    /// The loaded modules of other drivers that hold the GPUs, each before the modules that it uses.
    package var released: [String]
    /// The services of the driver that an interrupted install or uninstall stopped.
    package var stoppedServices: [String]

    /// What belongs around the driver; nil to leave it alone.
    package var surroundings: Surroundings?
    /// What sets up NVLink; nil when the node needs nothing, or when the agent leaves it alone.
    package var fabric: Fabric?

    package init(
        driver: DriverFacts,
        released: [String] = [],
        stoppedServices: [String] = [],
        surroundings: Surroundings? = nil,
        fabric: Fabric? = nil
    ) {
        self.driver = driver
        self.released = released
        self.stoppedServices = stoppedServices
        self.surroundings = surroundings
        self.fabric = fabric
    }

    package var operations: [any Operation] {
        release + (surroundings?.beforeLoad ?? [])
            + (needsLoading ? [LoadModules(extra: driver.extraModulesToLoad)] : [])
            + (needsLoading ? [] : surroundings?.deviceNodes ?? [])
            + fabricSteps + (stoppedServices.isEmpty ? [] : [StartServices(units: stoppedServices)])
            + (needsLoading || !fabricSteps.isEmpty ? [VerifyNode()] : []) + (surroundings?.afterInstall ?? [])
    }

    private var release: [any Operation] {
        guard let version = driver.record.value?.version else { return [] }
        return ReleaseGPUs.operations(released, version: version, journal: nil)
    }

    private var fabricSteps: [any Operation] { fabric.map { $0.preparing + $0.installing } ?? [] }

    /// Whether the kernel module is not loaded, or one of the device nodes is missing.
    ///
    /// At boot, udev loads `nvidia` but not `nvidia-uvm`, which CUDA needs.
    private var needsLoading: Bool {
        if driver.loadedVersion.isAbsent { return true }
        guard let nodes = driver.deviceNodes.value else { return driver.deviceNodes.isAbsent }
        return !Planner.neededNodes.allSatisfy(nodes.contains)
    }
}
