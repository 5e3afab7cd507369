/// What the operator asks for around a driver of this agent.
package struct SurroundingsPolicy: Codable, Sendable, Equatable {
    /// The parameters of the kernel modules.
    package var moduleParameters: ModuleParameters
    /// The license of a GRID driver; nil when the agent sets up none.
    package var license: LicensePolicy?
    /// How long after the boot, or after the end of its license, a vGPU without a license does not count, in seconds.
    package var licenseGrace: Int
    /// Whether `nvidia-persistenced` runs on a host with systemd.
    package var persistenced: Bool

    package init(
        moduleParameters: ModuleParameters = ModuleParameters(),
        license: LicensePolicy? = nil,
        licenseGrace: Int = 0,
        persistenced: Bool = true
    ) {
        self.moduleParameters = moduleParameters
        self.license = license
        self.licenseGrace = licenseGrace
        self.persistenced = persistenced
    }
}
