package import Catalog
package import NodeModel

/// Which driver this node should have, and why.
///
/// It says nothing about whether the host can take the driver now: that is the plan's preflight.
package struct Decision: Codable, Sendable, Equatable {
    package enum Action: String, Codable, Sendable, CaseIterable {
        /// Put the driver on this host.
        case install
        /// A good driver is there: leave it, load it when it is not loaded.
        case adopt
        /// Nothing to do here.
        case idle
        /// The agent will not act; `problems` say what stands in the way.
        case blocked
    }

    package var action: Action
    /// The driver to install or to keep.
    package var driver: DriverTarget?
    /// Who put the adopted driver on this host, or whose business the driver of an idle node is.
    package var owner: DriverOwner?
    /// What gives an idle node to the agent; nil where nothing does.
    package var wayOut: String?
    /// The GPUs that the driver is for; empty where none was chosen.
    package var gpus: [PCIAddress]
    /// Whose driver is removed first, as the configuration allows; nil when nobody else's is.
    package var takesOver: DriverOwner?
    /// The cloud or hypervisor this node runs on, by the catalog's name, or `bare-metal`; nil when it is not known.
    package var platform: String?
    /// Whether a fabric manager must run beside the driver; nil where no driver was chosen.
    package var fabricManager: FabricManagerNeed?
    /// What a driver in this guest will show, for each vGPU type on the node; empty without vGPUs.
    package var guest: [GuestExpectations]
    /// Why the node is left alone, when the action is `idle`.
    package var reason: ReasonCode?
    /// One sentence for people.
    package var summary: String
    /// What led here, the strongest first (the order of `Evidence.Basis`).
    package var evidence: [Evidence]
    /// Drivers of the right kind that were not taken, with the reason; first those that fit.
    package var rejected: [RejectedDriver]
    /// What blocks, when the action is `blocked`.
    package var problems: [Finding]

    package init(
        action: Action,
        driver: DriverTarget? = nil,
        owner: DriverOwner? = nil,
        wayOut: String? = nil,
        gpus: [PCIAddress] = [],
        takesOver: DriverOwner? = nil,
        platform: String? = nil,
        fabricManager: FabricManagerNeed? = nil,
        guest: [GuestExpectations] = [],
        reason: ReasonCode? = nil,
        summary: String,
        evidence: [Evidence] = [],
        rejected: [RejectedDriver] = [],
        problems: [Finding] = []
    ) {
        self.action = action
        self.driver = driver
        self.owner = owner
        self.wayOut = wayOut
        self.gpus = gpus
        self.takesOver = takesOver
        self.platform = platform
        self.fabricManager = fabricManager
        self.guest = guest
        self.reason = reason
        self.summary = summary
        self.evidence = evidence
        self.rejected = rejected
        self.problems = problems
    }
}

/// A driver by what matters about it.
package struct DriverTarget: Codable, Sendable, Equatable, CustomStringConvertible {
    package var kind: DriverKind
    package var version: DriverVersion
    package var kernelModuleType: KernelModuleType
    /// The package to install; nil for a driver that is only adopted.
    package var artifact: Artifact?

    package init(
        kind: DriverKind,
        version: DriverVersion,
        kernelModuleType: KernelModuleType,
        artifact: Artifact? = nil
    ) {
        self.kind = kind
        self.version = version
        self.kernelModuleType = kernelModuleType
        self.artifact = artifact
    }

    package var description: String { "\(kind.rawValue) driver \(version), \(kernelModuleType.rawValue) modules" }
}

/// A driver of the right kind that was not taken.
package struct RejectedDriver: Codable, Sendable, Equatable {
    package var driver: String
    package var reason: String

    package init(driver: String, reason: String) {
        self.driver = driver
        self.reason = reason
    }
}
