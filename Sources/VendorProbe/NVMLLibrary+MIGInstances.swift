import CVendor
import NodeModel

extension NVMLLibrary {
    /// Where a GPU instance and a compute instance in it are.
    ///
    /// NVML gives this only to a process with the right to configure MIG.
    func instances(
        _ gpuInstance: UInt32,
        _ computeInstance: UInt32,
        of device: gpa_nvml_device_t
    ) -> (gpu: Reading<MIGInstance>, compute: Reading<MIGInstance>) {
        let symbol = "nvmlDeviceGetGpuInstanceById"
        guard let find = functions.DeviceGetGpuInstanceById, let tell = functions.GpuInstanceGetInfo
        else {
            let missing = Reading<MIGInstance>.absentBecause("the driver has no function \(symbol)")
            return (missing, missing)
        }
        var handle: gpa_nvml_gpu_instance_t?
        let gpu: Reading<MIGInstance> = detail(symbol, find) { find throws(NVMLError) in
            handle = try value(symbol, nil as gpa_nvml_gpu_instance_t?) { find(device, gpuInstance, $0) }
            guard let handle else { throw .value(symbol, "no handle") }
            let infoSymbol = "nvmlGpuInstanceGetInfo"
            let info = try value(infoSymbol, gpa_nvml_gpu_instance_info_t()) { tell(handle, $0) }
            return try instance(infoSymbol, info.profile_id, info.placement)
        }
        guard let handle else { return (gpu, gpu) }
        return (gpu, compute(computeInstance, in: handle))
    }

    private func compute(_ id: UInt32, in gpuInstance: gpa_nvml_gpu_instance_t) -> Reading<
        MIGInstance
    > {
        let symbol = "nvmlGpuInstanceGetComputeInstanceById"
        let info = "nvmlComputeInstanceGetInfo_v2"
        return detail(symbol, functions.GpuInstanceGetComputeInstanceById) { find throws(NVMLError) in
            let handle = try value(symbol, nil as gpa_nvml_compute_instance_t?) {
                find(gpuInstance, id, $0)
            }
            guard let handle else { throw .value(symbol, "no handle") }
            guard let tell = functions.ComputeInstanceGetInfo_v2 else {
                throw .call(info, .functionNotFound)
            }
            let answer = try value(info, gpa_nvml_compute_instance_info_t()) { tell(handle, $0) }
            return try instance(info, answer.profile_id, answer.placement)
        }
    }

    private func instance(
        _ symbol: String,
        _ profileID: UInt32,
        _ placement: gpa_nvml_placement_t
    ) throws(NVMLError) -> MIGInstance {
        let span = try span(symbol, placement)
        return MIGInstance(profileID: Int(profileID), start: span.start, size: span.size)
    }

    /// A place on a GPU, or on a GPU instance.
    func span(_ symbol: String, _ placement: gpa_nvml_placement_t) throws(NVMLError) -> MIGSpan {
        MIGSpan(start: try slices(symbol, placement.start), size: try slices(symbol, placement.size))
    }
}
