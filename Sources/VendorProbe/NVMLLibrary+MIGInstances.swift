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

    /// The most numbers of profiles that the agent asks for; NVIDIA's header of 13.5 has 18.
    private static let mostProfiles: UInt32 = 32

    /// The kinds of GPU instances that a GPU can have.
    func migProfiles(of device: gpa_nvml_device_t) -> Reading<[MIGProfile]> {
        profiles(of: device) { info, name in
            MIGProfile(
                id: Int(info.id),
                name: name,
                slices: Int(info.slice_count),
                instances: Int(info.instance_count),
                multiprocessors: Int(info.multiprocessor_count),
                memoryMiB: Int(clamping: info.memory_size_mib)
            )
        }
    }

    /// The profiles of GPU instances of a GPU, each as a value that is made from NVML's description and the name in it.
    func profiles<Profile>(
        of device: gpa_nvml_device_t,
        _ make: (gpa_nvml_gpu_instance_profile_t, _ name: String) -> Profile
    ) -> Reading<[Profile]> {
        let symbol = "nvmlDeviceGetGpuInstanceProfileInfoV"
        return detail(symbol, functions.DeviceGetGpuInstanceProfileInfoV) { call throws(NVMLError) in
            var profiles: [Profile] = []
            var missing: NVMLError?
            for number in 0..<Self.mostProfiles {
                var profile = gpa_nvml_gpu_instance_profile_t()
                profile.version = GPA_NVML_GPU_INSTANCE_PROFILE_VERSION
                do throws(NVMLError) {
                    profile = try value(symbol, profile) { call(device, number, $0) }
                    profiles.append(make(profile, try name(symbol, profile)))
                } catch {
                    // The first number that no GPU uses ends the list; one that this GPU does not have is in between.
                    missing = missing ?? error
                    if case .call(_, .invalidArgument) = error { break }
                    if case .call(_, .notSupported) = error { continue }
                    throw error
                }
            }
            if profiles.isEmpty, let missing { throw missing }
            return profiles
        }
    }

    /// The name of a profile, whose numbers must be possible.
    private func name(_ symbol: String, _ profile: gpa_nvml_gpu_instance_profile_t) throws(NVMLError) -> String {
        guard let name = withUnsafeBytes(of: profile.name, vendorString) else { throw .text(symbol) }
        let counts = [
            profile.multiprocessor_count, profile.copy_engine_count, profile.decoder_count, profile.encoder_count,
            profile.jpeg_count, profile.ofa_count,
        ]
        if let count = counts.first(where: { $0 > 1024 }) { throw .count(symbol, "\(count) of a kind") }
        guard profile.instance_count <= Self.mostMIGInstances else {
            throw .count(symbol, "\(profile.instance_count) instances")
        }
        guard profile.memory_size_mib <= UInt64(Self.mostMemoryMiB) else {
            throw .value(symbol, "\(profile.memory_size_mib) MiB")
        }
        _ = try slices(symbol, profile.slice_count)
        return self.profile(in: name)
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
