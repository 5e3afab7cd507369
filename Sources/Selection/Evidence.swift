import NodeModel

/// One thing that was weighed.
package struct Evidence: Codable, Sendable, Equatable {
    /// What it rests on, the strongest first.
    package enum Basis: String, Codable, Sendable, CaseIterable {
        /// The operator's explicit word on this hardware.
        case configuration
        /// The pair (device, subsystem device) in the table of vGPU types, or in none.
        case subsystemPair = "subsystem-pair"
        /// The subsystem id of a physical board.
        case board
        /// The capability "VF" in configuration space.
        case vgpuCapability = "vgpu-capability"
        /// What the firmware and the processor say about the machine.
        case platform
        /// The links between physical and virtual functions.
        case sriov
        /// The class of a function.
        case deviceClass = "class"
        /// What the loaded driver says of the GPU.
        case running
        /// What is on the host's disk and in its kernel.
        case installed
        /// Who claims the driver of this host.
        case owner
        /// What follows from the catalog.
        case catalog
    }

    package var basis: Basis
    /// Where it was seen: `pci 0001:00:00.0`, `dmi`, `catalog`, `config`, `host`.
    package var source: String
    /// What it says, in words.
    package var statement: String

    package init(_ basis: Basis, _ source: String, _ statement: String) {
        self.basis = basis
        self.source = source
        self.statement = statement
    }

    /// About one PCI function.
    init(_ basis: Basis, _ function: PCIFunction, _ statement: String) {
        self.init(basis, "pci \(function.address)", statement)
    }
}

extension [Evidence] {
    /// The strongest first; of equal strength in the order they were found.
    func byStrength() -> [Evidence] {
        Evidence.Basis.allCases.flatMap { basis in filter { $0.basis == basis } }
    }
}
