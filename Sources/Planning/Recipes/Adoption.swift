package import NodeModel

/// Loads a driver that is on the host and that the agent keeps.
package struct Adoption: Recipe {
    package var driver: DriverFacts

    package init(driver: DriverFacts) {
        self.driver = driver
    }

    package var operations: [any Operation] { needsLoading ? [LoadModules(), VerifyNode()] : [] }

    /// Whether the kernel module is not loaded, or one of the device nodes is missing.
    ///
    /// At boot, udev loads `nvidia` but not `nvidia-uvm`, which CUDA needs.
    private var needsLoading: Bool {
        if driver.loadedVersion.isAbsent { return true }
        guard let nodes = driver.deviceNodes.value else { return driver.deviceNodes.isAbsent }
        return !Planner.neededNodes.allSatisfy(nodes.contains)
    }
}
