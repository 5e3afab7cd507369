import CVendor
import NodeModel

extension NVMLLibrary {
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
    ///
    /// A driver of branch 470 does not tell the names. They follow from the description then (`MIGProfileRule`).
    func profiles<Profile>(
        of device: gpa_nvml_device_t,
        _ make: (gpa_nvml_gpu_instance_profile_t, _ name: String) -> Profile
    ) -> Reading<[Profile]> {
        let symbol = "nvmlDeviceGetGpuInstanceProfileInfoV"
        if functions.DeviceGetGpuInstanceProfileInfoV == nil, functions.DeviceGetGpuInstanceProfileInfo != nil {
            return profilesWithoutNames(of: device, make)
        }
        return detail(symbol, functions.DeviceGetGpuInstanceProfileInfoV) { call throws(NVMLError) in
            try list { number throws(NVMLError) in
                var profile = gpa_nvml_gpu_instance_profile_t()
                profile.version = GPA_NVML_GPU_INSTANCE_PROFILE_VERSION
                profile = try value(symbol, profile) { call(device, number, $0) }
                guard let name = withUnsafeBytes(of: profile.name, vendorString) else { throw .text(symbol) }
                try check(symbol, profile)
                return make(profile, self.profile(in: name))
            }
        }
    }

    private func profilesWithoutNames<Profile>(
        of device: gpa_nvml_device_t,
        _ make: (gpa_nvml_gpu_instance_profile_t, _ name: String) -> Profile
    ) -> Reading<[Profile]> {
        let symbol = "nvmlDeviceGetGpuInstanceProfileInfo"
        return detail(symbol, functions.DeviceGetGpuInstanceProfileInfo) { call throws(NVMLError) in
            let total = try memory(of: device).totalMiB
            return try list { number throws(NVMLError) in
                let old = try value(symbol, gpa_nvml_gpu_instance_profile_v1_t()) { call(device, number, $0) }
                let profile = gpa_nvml_gpu_instance_profile_t(old)
                try check(symbol, profile)
                let rule = MIGProfileRule(
                    number: number,
                    slices: Int(profile.slice_count),
                    memoryMiB: Int(clamping: profile.memory_size_mib)
                )
                guard let name = rule.name(totalMiB: total) else {
                    throw .value(symbol, "no name for profile \(number) of \(profile.memory_size_mib) MiB")
                }
                return make(profile, name)
            }
        }
    }

    /// Reads the profiles by NVML's numbers.
    ///
    /// The first number that no GPU uses ends the list; one that this GPU does not have is in between.
    ///
    /// - Parameter read: Reads the profile with a number.
    /// - Returns: The profiles that the GPU has, in the order of their numbers.
    /// - Throws: The first error when there is no profile at all.
    private func list<Profile>(_ read: (UInt32) throws(NVMLError) -> Profile) throws(NVMLError) -> [Profile] {
        var profiles: [Profile] = []
        var missing: NVMLError?
        for number in 0..<Self.mostProfiles {
            do throws(NVMLError) { profiles.append(try read(number)) } catch {
                missing = missing ?? error
                if case .call(_, .invalidArgument) = error { break }
                if case .call(_, .notSupported) = error { continue }
                throw error
            }
        }
        if profiles.isEmpty, let missing { throw missing }
        return profiles
    }

    /// Whether the numbers of a profile are possible.
    private func check(_ symbol: String, _ profile: gpa_nvml_gpu_instance_profile_t) throws(NVMLError) {
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
    }
}

extension gpa_nvml_gpu_instance_profile_t {
    /// The same description in the newer form, without a name.
    fileprivate init(_ old: gpa_nvml_gpu_instance_profile_v1_t) {
        self.init()
        id = old.id
        is_p2p_supported = old.is_p2p_supported
        slice_count = old.slice_count
        instance_count = old.instance_count
        multiprocessor_count = old.multiprocessor_count
        copy_engine_count = old.copy_engine_count
        decoder_count = old.decoder_count
        encoder_count = old.encoder_count
        jpeg_count = old.jpeg_count
        ofa_count = old.ofa_count
        memory_size_mib = old.memory_size_mib
    }
}
