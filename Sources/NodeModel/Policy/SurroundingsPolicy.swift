/// What the operator asks for around a driver of this agent.
package struct SurroundingsPolicy: Codable, Sendable, Equatable {
    /// The parameters of the kernel modules.
    package var moduleParameters: ModuleParameters

    package init(moduleParameters: ModuleParameters = ModuleParameters()) {
        self.moduleParameters = moduleParameters
    }
}
