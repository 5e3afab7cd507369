/// How the rules of NVIDIA's device plugin classify the GPUs of a node for the MIG strategy `single`.
///
/// With this strategy, the device plugin offers all MIG devices under the name of a GPU. So all GPUs must be in MIG
/// mode, and all MIG devices must have the same profile. Otherwise the plugin does not start, and feature discovery
/// writes that the layout is invalid.
package enum MIGLayout: Sendable, Equatable {
    /// No GPU is in MIG mode, so pods get whole GPUs.
    case wholeGPUs
    /// All MIG devices have the same profile: the first GPU, its first MIG device, and the number of MIG devices.
    case uniform(parent: GPUFacts, device: MIGDevice, count: Int)
    /// The layout does not fit: the first GPU in MIG mode, and the reason as a clause.
    case invalid(parent: GPUFacts, why: String)
    /// The MIG mode or the MIG devices of a GPU are not known.
    case unknown

    /// Classifies the GPUs, which are in the order of their PCI addresses.
    package init(_ gpus: [GPUFacts]) {
        let enabled = gpus.filter { $0.migMode.value?.current == true }
        let unread = gpus.filter { $0.migMode.whyUnknown != nil } + enabled.filter { $0.migDevices.whyUnknown != nil }
        // If some GPUs are readable and none of them is in MIG mode, the others are not in MIG mode either.
        guard unread.isEmpty || (enabled.isEmpty && unread.count < gpus.count) else {
            self = .unknown
            return
        }
        guard let parent = enabled.first else {
            self = .wholeGPUs
            return
        }
        let devices = enabled.flatMap { $0.migDevices.value ?? [] }
        let profiles = Set(devices.map(\.profile)).sorted()
        let empty = enabled.filter { ($0.migDevices.value ?? []).isEmpty }
        if enabled.count < gpus.count {
            let others = gpus.filter { $0.migMode.value?.current != true }
            self = .invalid(parent: parent, why: "MIG mode is on for \(names(enabled)) and off for \(names(others))")
        } else if profiles.count > 1 {
            let list = profiles.joined(separator: ", ")
            self = .invalid(parent: parent, why: "the MIG devices have different profiles: \(list)")
        } else if empty.isEmpty, let device = devices.first {
            self = .uniform(parent: parent, device: device, count: devices.count)
        } else {
            self = .invalid(parent: parent, why: "\(names(empty)) \(empty.count == 1 ? "has" : "have") no MIG device")
        }
    }
}

/// The GPUs for people: `GPU 0, GPU 1`.
private func names(_ gpus: [GPUFacts]) -> String { gpus.map { "GPU \($0.index)" }.joined(separator: ", ") }

extension [GPUFacts] {
    /// The GPUs in the order of their PCI addresses; those without an address come last.
    package var byAddress: [GPUFacts] {
        sorted { left, right in
            guard let a = left.pciAddress.value, let b = right.pciAddress.value else {
                return left.pciAddress.value != nil && right.pciAddress.value == nil
            }
            return a < b
        }
    }
}
