/// Who put a driver on a host, or claims to put one there.
package enum DriverOwner: String, Codable, Sendable, CaseIterable {
    /// This agent: its record names the driver.
    case gpuAgent = "gpu-agent"
    /// The GPU Operator's driver container.
    case gpuOperator = "gpu-operator"
    /// GKE's own installer.
    case gke
    /// The node image of AKS.
    case aksImage = "aks-image"
    /// The operating system image of Bottlerocket.
    case bottlerocket
    /// Packages of dpkg or rpm.
    case packageManager = "package-manager"
    /// NVIDIA's installer, started by somebody else.
    case runfile
    /// A module tree of DKMS alone.
    case dkms
    /// Somebody who left no trace.
    case other

    /// For people: `the AKS node image`.
    package var words: String {
        switch self {
        case .gpuAgent: "this agent"
        case .gpuOperator: "the GPU Operator"
        case .gke: "GKE's driver installer"
        case .aksImage: "the AKS node image"
        case .bottlerocket: "Bottlerocket's image"
        case .packageManager: "the package manager"
        case .runfile: "NVIDIA's installer, run by somebody else"
        case .dkms: "DKMS"
        case .other: "somebody who left no trace"
        }
    }
}

/// One owner of a host's driver, with how that is known and how it ends.
struct OwnerClaim: Equatable {
    var owner: DriverOwner
    /// Where it was seen.
    var source: String
    /// What was seen there, in words.
    var statement: String
    /// What an operator does so that another driver can come.
    var wayOut: String
    /// The commands that remove its driver whole; nil where nobody but the owner can.
    var removal: [[String]]?

    var evidence: Evidence { Evidence(.owner, source, statement) }
}

extension NodeFacts {
    /// Who runs the driver of this node as a whole, so that the agent has no business with it; nil when nobody does.
    ///
    /// A label of the Node says what its owner is about to do; a driver container that is there says what it did.
    var nodeOwner: OwnerClaim? {
        let labels = claims.nodeLabels.value ?? [:]
        if let value = labels[OwnerLabel.gpuOperatorDriver],
            value == "true" || value.contains("paused-for-driver-upgrade")
        {
            return gpuOperator(
                "node label",
                "\(OwnerLabel.gpuOperatorDriver)=\(value): the GPU Operator "
                    + (value == "true" ? "runs its driver container here" : "is replacing its driver")
            )
        }
        if let container = claims.driverContainer.value, container.isMounted || container.hasPIDFile {
            let version = container.version.map { " with driver \($0)" } ?? ""
            return gpuOperator("driver root", "/run/nvidia/driver is the root of a driver container\(version)")
        }
        if let value = labels[OwnerLabel.gkeDriverVersion], value != "disabled" {
            return OwnerClaim(
                owner: .gke,
                source: "node label",
                statement: "\(OwnerLabel.gkeDriverVersion)=\(value): GKE installs the driver of this node",
                wayOut: "create the node pool with gpu-driver-version=disabled to have the agent install the driver"
            )
        }
        return nil
    }

    private func gpuOperator(_ source: String, _ statement: String) -> OwnerClaim {
        OwnerClaim(
            owner: .gpuOperator,
            source: source,
            statement: statement,
            wayOut: "set driver.enabled=false in the GPU Operator's values, or the node's label "
                + "\(OwnerLabel.gpuOperatorDriver)=false, to have the agent install the driver"
        )
    }

    /// What the labels of the Node say that takes nothing out of the agent's hands.
    var labelRemarks: [Evidence] {
        if let why = claims.nodeLabels.failure?.detail {
            return [
                Evidence(.owner, "node label", "not readable (\(why)): whether another owner is asked for is not known")
            ]
        }
        return (claims.nodeLabels.value ?? [:]).sorted { $0.key < $1.key }.compactMap { key, value in
            switch (key, value) {
            case (_, ""): nil
            case (OwnerLabel.gpuOperatorDriver, "pre-installed"):
                Evidence(.owner, "node label", "\(key)=\(value): the GPU Operator leaves the host's driver alone")
            case (OwnerLabel.gpuOperatorDriver, _), (OwnerLabel.gkeDriverVersion, _):
                Evidence(.owner, "node label", "\(key)=\(value): nobody else installs a driver here")
            default: nil
            }
        }
    }
}
