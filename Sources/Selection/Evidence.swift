import NodeModel

/// A piece of evidence for a decision.
package struct Evidence: Codable, Sendable, Equatable {
    /// The kind of evidence, the strongest first.
    package enum Basis: String, Codable, Sendable, CaseIterable {
        /// The configuration says what the GPU is.
        case configuration
        /// The device ID and subsystem device ID are, or are not, those of a vGPU type in the catalog.
        case subsystemPair = "subsystem-pair"
        /// The subsystem ID is that of a physical board.
        case board
        /// The configuration space has the PCI capability "VF", which only vGPUs have.
        case vgpuCapability = "vgpu-capability"
        /// What the firmware and the processor report about the machine.
        case platform
        /// The SR-IOV relations between physical and virtual functions.
        case sriov
        /// The class of the PCI function.
        case deviceClass = "class"
        /// What the loaded driver reports about the GPU.
        case running
        /// Which driver is installed or loaded on the host.
        case installed
        /// Who owns the driver of this host, or claims it.
        case owner
        /// What the catalog says about these GPUs and their drivers.
        case catalog
    }

    package var basis: Basis
    /// Where the evidence comes from, such as `pci 0001:00:00.0`, `dmi`, `catalog`, `config` or `host`.
    package var source: String
    /// What the evidence says, in one or two sentences.
    package var statement: String

    package init(_ basis: Basis, _ source: String, _ statement: String) {
        self.basis = basis
        self.source = source
        self.statement = statement
    }

    /// Evidence about a PCI function.
    init(_ basis: Basis, _ function: PCIFunction, _ statement: String) {
        self.init(basis, "pci \(function.address)", statement)
    }
}

extension [Evidence] {
    /// The evidence sorted by strength, the strongest first.
    ///
    /// Evidence of one kind keeps its order.
    func byStrength() -> [Evidence] {
        Evidence.Basis.allCases.flatMap { basis in filter { $0.basis == basis } }
    }
}
