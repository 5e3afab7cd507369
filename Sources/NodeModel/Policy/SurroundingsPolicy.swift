/// What the operator asks for around a driver of this agent.
package struct SurroundingsPolicy: Codable, Sendable, Equatable {
    /// The parameters of the kernel modules.
    package var moduleParameters: ModuleParameters
    /// The license of a GRID driver; nil when the agent sets up none.
    package var license: LicensePolicy?
    /// Whether `nvidia-persistenced` runs on a host with systemd.
    package var persistenced: Bool

    package init(
        moduleParameters: ModuleParameters = ModuleParameters(),
        license: LicensePolicy? = nil,
        persistenced: Bool = true
    ) {
        self.moduleParameters = moduleParameters
        self.license = license
        self.persistenced = persistenced
    }
}
