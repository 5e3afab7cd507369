/// The driver owner: who installed the driver of a host, or claims to install it.
package enum DriverOwner: String, Codable, Sendable, CaseIterable {
    /// This agent.
    ///
    /// Its record names the driver.
    case gpuAgent = "gpu-agent"
    /// The GPU Operator's driver container.
    case gpuOperator = "gpu-operator"
    /// GKE's own installer.
    case gke
    /// The node image of AKS.
    case aksImage = "aks-image"
    /// The operating system image of Bottlerocket.
    case bottlerocket
    /// The image of another immutable operating system, such as Talos.
    case systemImage = "system-image"
    /// A package manager, with packages of dpkg or rpm.
    case packageManager = "package-manager"
    /// NVIDIA's installer (a `.run` file), which this agent did not run.
    case runfile
    /// DKMS: a module tree is the only trace.
    case dkms
    /// An owner that left no trace.
    case other

    /// The name for people, for use in a sentence: `the AKS node image`.
    package var displayName: String {
        switch self {
        case .gpuAgent: "this agent"
        case .gpuOperator: "the GPU Operator"
        case .gke: "GKE's driver installer"
        case .aksImage: "the AKS node image"
        case .bottlerocket: "the Bottlerocket image"
        case .systemImage: "the image of the operating system"
        case .packageManager: "the package manager"
        case .runfile: "someone who ran NVIDIA's installer"
        case .dkms: "an unknown owner that uses DKMS"
        case .other: "an unknown owner"
        }
    }
}
