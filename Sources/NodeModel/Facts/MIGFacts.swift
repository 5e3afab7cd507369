/// The MIG mode of a GPU: whether it is on now, and whether it will be on after the next GPU reset.
package struct MIGMode: Codable, Sendable, Equatable {
    package var current: Bool
    package var pending: Bool

    package init(current: Bool, pending: Bool) {
        self.current = current
        self.pending = pending
    }
}

/// One MIG device: a compute instance inside a GPU instance.
package struct MIGDevice: Codable, Sendable, Equatable {
    /// `MIG-` and a UUID.
    ///
    /// It changes when the device is created again. Do not store it across boots.
    package var uuid: String
    /// The name of the profile, such as `4g.96gb`.
    ///
    /// It comes from NVML's device name, not from the memory size.
    package var profile: String
    package var memoryMiB: Int
    package var gpuInstanceID: Int
    package var computeInstanceID: Int
    /// The resources of the device.
    ///
    /// Absent when NVML does not report them.
    package var attributes: Reading<MIGAttributes>
    /// Where its GPU instance and its compute instance are; absent without the right to configure MIG.
    package var gpuInstance: Reading<MIGInstance>
    package var computeInstance: Reading<MIGInstance>

    package init(
        uuid: String,
        profile: String,
        memoryMiB: Int,
        gpuInstanceID: Int,
        computeInstanceID: Int,
        attributes: Reading<MIGAttributes> = .absent,
        gpuInstance: Reading<MIGInstance> = .absent,
        computeInstance: Reading<MIGInstance> = .absent
    ) {
        self.uuid = uuid
        self.profile = profile
        self.memoryMiB = memoryMiB
        self.gpuInstanceID = gpuInstanceID
        self.computeInstanceID = computeInstanceID
        self.attributes = attributes
        self.gpuInstance = gpuInstance
        self.computeInstance = computeInstance
    }
}

/// The resources of a MIG device, as counts (`nvmlDeviceAttributes_t`).
package struct MIGAttributes: Codable, Sendable, Equatable {
    package var multiprocessors: Int
    package var gpuInstanceSlices: Int
    package var computeInstanceSlices: Int
    package var copyEngines: Int
    package var decoders: Int
    package var encoders: Int
    package var jpegEngines: Int
    package var opticalFlowEngines: Int
    /// The memory in MiB (`memorySizeMB`), which feature discovery shows.
    ///
    /// Nil in facts of an earlier version of the agent.
    package var memoryMiB: Int?

    package init(
        multiprocessors: Int,
        gpuInstanceSlices: Int,
        computeInstanceSlices: Int,
        copyEngines: Int,
        decoders: Int,
        encoders: Int,
        jpegEngines: Int,
        opticalFlowEngines: Int,
        memoryMiB: Int? = nil
    ) {
        self.multiprocessors = multiprocessors
        self.gpuInstanceSlices = gpuInstanceSlices
        self.computeInstanceSlices = computeInstanceSlices
        self.copyEngines = copyEngines
        self.decoders = decoders
        self.encoders = encoders
        self.jpegEngines = jpegEngines
        self.opticalFlowEngines = opticalFlowEngines
        self.memoryMiB = memoryMiB
    }
}

/// The place of a GPU instance on its GPU, or of a compute instance in its GPU instance.
package struct MIGInstance: Codable, Sendable, Equatable {
    /// NVML's ID of the profile, such as 19 for `1g.5gb` on an A100.
    package var profileID: Int
    /// The first slice.
    package var start: Int
    /// The number of slices.
    package var size: Int

    package init(profileID: Int, start: Int, size: Int) {
        self.profileID = profileID
        self.start = start
        self.size = size
    }
}

/// A kind of GPU instance that a GPU can have (`nvmlGpuInstanceProfileInfo_v2_t`).
package struct MIGProfile: Codable, Sendable, Equatable {
    /// NVML's ID of the profile.
    package var id: Int
    /// The name from the library, such as `1g.5gb`.
    package var name: String
    /// The number of compute slices of one instance.
    package var slices: Int
    /// How many of them an empty GPU has room for.
    package var instances: Int
    package var multiprocessors: Int
    package var memoryMiB: Int

    package init(
        id: Int,
        name: String,
        slices: Int,
        instances: Int,
        multiprocessors: Int,
        memoryMiB: Int
    ) {
        self.id = id
        self.name = name
        self.slices = slices
        self.instances = instances
        self.multiprocessors = multiprocessors
        self.memoryMiB = memoryMiB
    }
}
