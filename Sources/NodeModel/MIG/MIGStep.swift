/// One change of the MIG layout of a GPU.
///
/// The child process makes the steps of a GPU one after the other, and stops at the first that fails.
package struct MIGStep: Codable, Sendable, Equatable {
    package enum Action: String, Codable, Sendable {
        case setMode = "set-mode"
        case destroyComputeInstance = "destroy-compute-instance"
        case destroyGPUInstance = "destroy-gpu-instance"
        case createGPUInstance = "create-gpu-instance"
        case createComputeInstance = "create-compute-instance"
    }

    package var action: Action
    /// The mode to set.
    package var enabled: Bool?
    /// The GPU instance to destroy, or in which a compute instance is created or destroyed.
    package var gpuInstance: Int?
    package var computeInstance: Int?
    /// The name and NVML's ID of the profile of a GPU instance, and where it is created.
    package var profile: String?
    package var profileID: Int?
    package var placement: MIGSpan?
    /// The compute slices of each compute instance to create.
    package var computeSlices: [Int]?

    private init(_ action: Action) { self.action = action }

    package static func setMode(_ enabled: Bool) -> MIGStep {
        var step = MIGStep(.setMode)
        step.enabled = enabled
        return step
    }

    package static func destroyCompute(_ id: Int, in gpuInstance: Int) -> MIGStep {
        var step = MIGStep(.destroyComputeInstance)
        (step.computeInstance, step.gpuInstance) = (id, gpuInstance)
        return step
    }

    package static func destroy(_ instance: MIGGPUInstance, profile: String?) -> MIGStep {
        var step = MIGStep(.destroyGPUInstance)
        (step.gpuInstance, step.profile, step.profileID) = (instance.id, profile, instance.profileID)
        step.placement = instance.placement
        return step
    }

    package static func create(_ offer: MIGOffer, at placement: MIGSpan, compute: [Int]) -> MIGStep {
        var step = MIGStep(.createGPUInstance)
        (step.profile, step.profileID, step.placement) = (offer.name, offer.id, placement)
        step.computeSlices = compute
        return step
    }

    package static func createCompute(_ slices: [Int], in gpuInstance: Int) -> MIGStep {
        var step = MIGStep(.createComputeInstance)
        (step.gpuInstance, step.computeSlices) = (gpuInstance, slices)
        return step
    }

    /// The step for people: `create the GPU instance 3g.40gb at 4:4 with the compute instance 3c`.
    package var text: String {
        let compute = (computeSlices ?? []).map { "\($0)c" }
        let list = "the compute instance\(compute.count == 1 ? "" : "s") \(compute.joined(separator: ", "))"
        let place = placement.map { " at \($0)" } ?? ""
        switch action {
        case .setMode: return "turn MIG mode \(enabled == true ? "on" : "off")"
        case .destroyComputeInstance:
            return "remove the compute instance \(computeInstance ?? 0) of the GPU instance \(gpuInstance ?? 0)"
        case .destroyGPUInstance:
            return "remove the GPU instance \(gpuInstance ?? 0)\(profile.map { " (\($0)\(place))" } ?? place)"
        case .createGPUInstance:
            return "create the GPU instance \(profile ?? "\(profileID ?? 0)")\(place)"
                + (compute.isEmpty ? "" : " with \(list)")
        case .createComputeInstance: return "create \(list) in the GPU instance \(gpuInstance ?? 0)"
        }
    }
}
