package import NodeModel

/// Brings up a driver that is on the host and stays there.
package struct Adoption: Recipe {
    package var driver: DriverFacts

    package init(driver: DriverFacts) {
        self.driver = driver
    }

    package var operations: [any Operation] { needsLoading ? [LoadModules(), VerifyNode()] : [] }

    /// Whether the module or one of its device nodes is missing.
    ///
    /// Udev loads `nvidia` by itself at boot, and not `nvidia-uvm`, without which CUDA fails.
    private var needsLoading: Bool {
        if driver.loadedVersion.isAbsent { return true }
        guard let nodes = driver.deviceNodes.value else { return driver.deviceNodes.isAbsent }
        return !Planner.neededNodes.allSatisfy(nodes.contains)
    }
}
