package import Catalog
package import NodeModel

/// The decision about which driver this node should have, and why.
///
/// It does not say whether the host is ready for the driver. The preflight checks of the plan do that.
package struct Decision: Codable, Sendable, Equatable {
    /// What the agent does about the driver.
    package enum Action: String, Codable, Sendable, CaseIterable {
        /// Install the driver.
        case install
        /// Keep the driver on the host, and load it when it is not loaded.
        case adopt
        /// Do nothing on this node.
        case idle
        /// Do nothing until the `problems` are solved.
        case blocked
    }

    package var action: Action
    /// The driver to install or to keep; nil when the agent does neither, and often when it is blocked.
    package var driver: DriverTarget?
    /// The owner of the adopted driver, of a driver that does not fit, or of the driver of an idle node.
    package var owner: DriverOwner?
    /// What an operator does to hand the driver of an idle node over to this agent, as a sentence; nil when nothing
    /// does.
    package var howToHandOver: String?
    /// The addresses of the GPUs that the driver is for; empty when no driver was chosen.
    package var gpus: [PCIAddress]
    /// The addresses of the GPUs that the configuration ignores; nil when it ignores none.
    package var ignored: [PCIAddress]?
    /// The owner whose driver the agent removes first; nil when no driver of another owner is removed.
    package var takesOver: DriverOwner?
    /// The install that failed, because of which the decision is for the driver before it; nil when there is none.
    package var failed: FailedInstall?
    /// The catalog's name of the cloud or hypervisor, or `bare-metal`; nil when the platform is not known.
    package var platform: String?
    /// Whether a fabric manager must run with the driver; nil when no driver was chosen.
    package var fabricManager: FabricManagerNeed?
    /// NVIDIA's archive with the fabric manager of the driver's version; nil when the node needs none, and when the
    /// catalog has none with a checksum.
    package var fabricManagerArchive: Artifact?
    /// What the driver of this guest shows for each vGPU type on the node; empty without vGPUs.
    package var guest: [GuestExpectations]
    /// Why the agent does nothing; nil unless the action is `idle`.
    package var reason: ReasonCode?
    /// The decision for people, as a lower-case clause without a period.
    package var summary: String
    /// The evidence for the decision, the strongest first (in the order of `Evidence.Basis`).
    package var evidence: [Evidence]
    /// The drivers of the right kind that were not chosen, with the reason.
    ///
    /// Drivers that fit come first.
    package var rejected: [RejectedDriver]
    /// What blocks the agent; empty unless the action is `blocked`.
    package var problems: [Finding]
    /// Why no driver was chosen yet; nil for every other decision.
    ///
    /// The package manager has no index, which the plan refreshes first.
    package var unreadIndex: Finding?

    package init(
        action: Action,
        driver: DriverTarget? = nil,
        owner: DriverOwner? = nil,
        howToHandOver: String? = nil,
        gpus: [PCIAddress] = [],
        ignored: [PCIAddress]? = nil,
        takesOver: DriverOwner? = nil,
        failed: FailedInstall? = nil,
        platform: String? = nil,
        fabricManager: FabricManagerNeed? = nil,
        fabricManagerArchive: Artifact? = nil,
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
        self.howToHandOver = howToHandOver
        self.gpus = gpus
        self.ignored = ignored
        self.takesOver = takesOver
        self.failed = failed
        self.platform = platform
        self.fabricManager = fabricManager
        self.fabricManagerArchive = fabricManagerArchive
        self.guest = guest
        self.reason = reason
        self.summary = summary
        self.evidence = evidence
        self.rejected = rejected
        self.problems = problems
    }
}

/// The driver that a node should have.
package struct DriverTarget: Codable, Sendable, Equatable, CustomStringConvertible {
    package var kind: DriverKind
    package var version: DriverVersion
    package var kernelModuleType: KernelModuleType
    /// NVIDIA's package to install; nil unless the agent installs the driver from it.
    package var artifact: Artifact?
    /// The packages of the distribution to install; nil unless the agent installs the driver from them.
    package var packages: [OfferedPackage]?

    package init(
        kind: DriverKind,
        version: DriverVersion,
        kernelModuleType: KernelModuleType,
        artifact: Artifact? = nil,
        packages: [OfferedPackage]? = nil
    ) {
        self.kind = kind
        self.version = version
        self.kernelModuleType = kernelModuleType
        self.artifact = artifact
        self.packages = packages
    }

    package var description: String {
        "\(kind.displayName) driver \(version) with \(kernelModuleType.rawValue) kernel modules"
    }
}

/// A driver of the right kind that was not chosen.
package struct RejectedDriver: Codable, Sendable, Equatable {
    /// The identity of the driver in the catalog.
    package var driver: String
    /// Why it was not chosen, as a lower-case clause without a period.
    package var reason: String

    package init(driver: String, reason: String) {
        self.driver = driver
        self.reason = reason
    }
}

extension Decision {
    /// Why no plan can depend on the packages for NVLink in the repositories, as a clause; nil when one can.
    package func needsNoFabricPackages(_ facts: NodeFacts, _ policy: Policy) -> String? {
        if !policy.buildPackages { return "the agent may not install packages (driver.buildPackages)" }
        if policy.source?.directory != nil { return "packages come from a directory only (driver.source)" }
        guard fabricManager?.isNeeded == true || facts.fabricCluster != nil else {
            return "the topology of this node needs none of them"
        }
        switch action {
        case .install where driver?.packages == nil: return nil
        case .adopt where facts.driver.isOfThisAgent:
            // The package manager reads all its metadata for the answer, so a node that is complete does not ask.
            let program: DriverService.Program = fabricManager?.isNeeded == true ? .fabricManager : .imex
            guard let around = facts.driver.surroundings, let found = around.program(program), found.path != nil,
                let version = found.version.flatMap(DriverVersion.init),
                version == facts.driver.record.value.flatMap({ DriverVersion($0.version) }),
                around.fabric?.archive != FabricSurroundings.incomplete
            else { return nil }
            return "the host has the program of the driver's version"
        case .install, .adopt, .idle, .blocked: return "this agent installs no driver with NVIDIA's installer here"
        }
    }
}
