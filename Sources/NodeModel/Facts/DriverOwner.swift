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
