/// What the operator asks for: the part of a choice that is not a fact.
package struct Policy: Codable, Sendable, Equatable {
    /// Only this driver version.
    package var version: DriverVersion?
    /// Only drivers of this branch.
    package var branch: Int?
    /// Only this flavour of kernel modules; no driver fits a GPU that cannot take it.
    ///
    /// When nil, open where the GPU leaves a choice.
    package var flavour: ModuleFlavour?
    /// The prefix of the agent's own labels and of its taint, without the slash.
    package var labelPrefix: String
    /// How the device plugin is set to show MIG devices; published as `nvidia.com/mig.strategy`.
    package var migStrategy: MIGStrategy

    package init(
        version: DriverVersion? = nil,
        branch: Int? = nil,
        flavour: ModuleFlavour? = nil,
        labelPrefix: String = "gpu-agent.dev",
        migStrategy: MIGStrategy = .single
    ) {
        self.version = version
        self.branch = branch
        self.flavour = flavour
        self.labelPrefix = labelPrefix
        self.migStrategy = migStrategy
    }
}

/// The device plugin's way of naming MIG devices.
package enum MIGStrategy: String, Codable, Sendable, CaseIterable {
    case none, single, mixed
}
