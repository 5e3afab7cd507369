package import NodeModel

/// Brings what is around the agent's own driver to the state that the configuration asks for.
///
/// Nothing here decides whether CUDA works. So the steps come after an install is complete, and each only repairs what
/// differs. The driver of another owner gets only links to its device nodes.
package struct Surroundings: Sendable {
    package var driver: DriverFacts
    package var configuration: SurroundingsPolicy
    /// Whether the driver on the host is the agent's, or becomes it.
    package var isOwn: Bool

    package init(driver: DriverFacts, configuration: SurroundingsPolicy, isOwn: Bool) {
        self.driver = driver
        self.configuration = configuration
        self.isOwn = isOwn
    }

    private var found: DriverSurroundings? { isOwn ? driver.surroundings : nil }

    /// The step that must come before the kernel modules are loaded.
    package var beforeLoad: [any Operation] {
        guard let found else { return [] }
        let parameters = configuration.moduleParameters
        let wanted = parameters.isEmpty ? nil : OwnFile.lines(parameters.text)
        return found.ownFiles[ModuleParameters.path] == wanted ? [] : [WriteModuleParameters(parameters: parameters)]
    }

    /// The steps that need a complete driver.
    package var afterInstall: [any Operation] {
        guard let found, found.hasUdevRules == true else { return [] }
        let isWritten = found.ownFiles[WriteDeviceRule.path] == OwnFile.lines(WriteDeviceRule.text)
        return isWritten ? [] : [WriteDeviceRule()]
    }

    /// The step that creates device nodes and links of a loaded driver.
    package var deviceNodes: [any Operation] {
        let names = driver.nodesToCreate + driver.nodesToLink
        return names.isEmpty ? [] : [CreateDeviceNodes(names: names)]
    }
}
