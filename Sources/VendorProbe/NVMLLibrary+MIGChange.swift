import CVendor
import NodeModel

extension NVMLLibrary {
    /// Changes the MIG layout of one GPU, and stops at the first step that fails.
    ///
    /// It makes no such call for a vGPU: only the vGPU host controls its MIG mode and its GPU instances.
    func make(_ change: MIGChange) throws(NVMLError) -> MIGChangeResult {
        let (index, device) = try device(change.uuid)
        reporter.begin(.unread(index))
        defer { reporter.finish(.unread(index)) }
        let mode: VirtualizationMode
        do throws(NVMLError) { mode = try virtualization(of: device) } catch {
            // A driver that cannot tell is not the guest driver of a vGPU.
            guard case .call(_, let code) = error, code.isAbsenceOfDetail else { throw error }
            mode = .none
        }
        guard mode != .vgpu else { return MIGChangeResult(done: 0, failure: "the GPU is a vGPU") }
        var result = MIGChangeResult(done: 0)
        for step in change.steps {
            do throws(NVMLError) { result.pending = try make(step, on: device) } catch {
                result.failure = error.description
                if case .call(_, let code) = error { result.code = Int(code.rawValue) }
                return result
            }
            result.done += 1
        }
        return result
    }

    /// The number and the handle of the GPU with this UUID.
    private func device(_ uuid: String) throws(NVMLError) -> (index: Int, handle: gpa_nvml_device_t) {
        let count = try count("nvmlDeviceGetCount_v2", atMost: vendorDeviceLimit, "GPUs") {
            functions.DeviceGetCount_v2($0)
        }
        let symbol = "nvmlDeviceGetHandleByIndex_v2"
        for index in 0..<count {
            // Another GPU may not answer.
            guard let device = try? handle(symbol, { functions.DeviceGetHandleByIndex_v2(index, $0) }),
                let found = try? self.uuid(of: device), found == uuid
            else { continue }
            return (Int(index), device)
        }
        throw .value(symbol, "no GPU \(uuid)")
    }

    /// Makes a step.
    ///
    /// - Returns: Why a new mode is not active yet, as NVML's code; nil when it is, and for every other step.
    private func make(_ step: MIGStep, on device: gpa_nvml_device_t) throws(NVMLError) -> Int? {
        switch step.action {
        case .setMode: return try setMode(step.enabled == true, device)
        case .destroyComputeInstance:
            let gpu = try gpuInstance(step.gpuInstance, of: device)
            let compute = try computeInstance(step.computeInstance, of: gpu)
            try perform("nvmlComputeInstanceDestroy", functions.ComputeInstanceDestroy) { $0(compute) }
        case .destroyGPUInstance:
            let gpu = try gpuInstance(step.gpuInstance, of: device)
            let info = try info(gpu)
            // Another program can have changed the layout since the agent read it.
            guard Int(info.profile_id) == step.profileID, Int(info.placement.start) == step.placement?.start else {
                throw .value("nvmlGpuInstanceGetInfo", "the GPU instance \(info.id) is another one now")
            }
            try perform("nvmlGpuInstanceDestroy", functions.GpuInstanceDestroy) { $0(gpu) }
        case .createGPUInstance: try create(step, on: device)
        case .createComputeInstance:
            try createCompute(step.computeSlices ?? [], in: try gpuInstance(step.gpuInstance, of: device))
        }
        return nil
    }

    private func setMode(_ enabled: Bool, _ device: gpa_nvml_device_t) throws(NVMLError) -> Int? {
        var activation: Int32 = 0
        try perform("nvmlDeviceSetMigMode", functions.DeviceSetMigMode) { $0(device, enabled ? 1 : 0, &activation) }
        return activation == NVMLReturn.success.rawValue ? nil : Int(activation)
    }

    private func create(_ step: MIGStep, on device: gpa_nvml_device_t) throws(NVMLError) {
        let symbol = "nvmlDeviceCreateGpuInstanceWithPlacement"
        guard let create = functions.DeviceCreateGpuInstanceWithPlacement else {
            throw .call(symbol, .functionNotFound)
        }
        guard let profile = step.profileID.flatMap(UInt32.init(exactly:)),
            let start = step.placement.flatMap({ UInt32(exactly: $0.start) }),
            let size = step.placement.flatMap({ UInt32(exactly: $0.size) })
        else { throw .value(symbol, step.text) }
        var placement = gpa_nvml_placement_t(start: start, size: size)
        let instance = try value(symbol, nil as gpa_nvml_gpu_instance_t?) { create(device, profile, &placement, $0) }
        guard let instance else { throw .value(symbol, "no handle") }
        try createCompute(step.computeSlices ?? [], in: instance)
    }

    private func createCompute(_ list: [Int], in gpu: gpa_nvml_gpu_instance_t) throws(NVMLError) {
        let symbol = "nvmlGpuInstanceCreateComputeInstance"
        guard let create = functions.GpuInstanceCreateComputeInstance else { throw .call(symbol, .functionNotFound) }
        let profiles = try computeProfiles(of: gpu)
        for slices in list {
            guard let profile = profiles.first(where: { Int($0.slice_count) == slices }) else {
                throw .value(symbol, "the GPU instance has no compute instance with \(slices) slices")
            }
            _ = try value(symbol, nil as gpa_nvml_compute_instance_t?) { create(gpu, profile.id, $0) }
        }
    }

    private func gpuInstance(_ id: Int?, of device: gpa_nvml_device_t) throws(NVMLError) -> gpa_nvml_gpu_instance_t {
        let symbol = "nvmlDeviceGetGpuInstanceById"
        guard let find = functions.DeviceGetGpuInstanceById else { throw .call(symbol, .functionNotFound) }
        guard let id = id.flatMap(UInt32.init(exactly:)) else { throw .value(symbol, "no ID") }
        let handle = try value(symbol, nil as gpa_nvml_gpu_instance_t?) { find(device, id, $0) }
        guard let handle else { throw .value(symbol, "no handle") }
        return handle
    }

    private func computeInstance(
        _ id: Int?,
        of gpu: gpa_nvml_gpu_instance_t
    ) throws(NVMLError) -> gpa_nvml_compute_instance_t {
        let symbol = "nvmlGpuInstanceGetComputeInstanceById"
        guard let find = functions.GpuInstanceGetComputeInstanceById else { throw .call(symbol, .functionNotFound) }
        guard let id = id.flatMap(UInt32.init(exactly:)) else { throw .value(symbol, "no ID") }
        let handle = try value(symbol, nil as gpa_nvml_compute_instance_t?) { find(gpu, id, $0) }
        guard let handle else { throw .value(symbol, "no handle") }
        return handle
    }

    /// Calls a function that changes something.
    private func perform<Function>(
        _ symbol: String,
        _ function: Function?,
        _ call: (Function) -> gpa_nvml_return_t
    ) throws(NVMLError) {
        guard let function else { throw .call(symbol, .functionNotFound) }
        reporter.calling(symbol)
        try check(symbol, call(function))
    }
}
