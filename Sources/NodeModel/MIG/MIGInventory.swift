/// What NVML says about MIG on the GPUs of a node, as `gpu-agent mig` reads it.
package struct MIGInventory: Codable, Sendable, Equatable {
    /// The GPUs in NVML's order, by which a MIG configuration names them.
    package var gpus: [MIGGPU]
    /// The GPUs that do not answer.
    package var unreadable: [UnreadableGPU]

    /// A GPU that NVML counts and cannot describe.
    package struct UnreadableGPU: Codable, Sendable, Equatable {
        package var index: Int
        package var failure: ReadFailure

        package init(index: Int, failure: ReadFailure) {
            (self.index, self.failure) = (index, failure)
        }
    }

    package init(gpus: [MIGGPU], unreadable: [UnreadableGPU] = []) {
        (self.gpus, self.unreadable) = (gpus, unreadable)
    }
}

/// A GPU with its MIG mode, its instances, and the instances that it can have.
package struct MIGGPU: Codable, Sendable, Equatable {
    package var index: Int
    package var pciAddress: PCIAddress
    /// `GPU-` and a UUID.
    package var uuid: String
    package var name: String
    /// The device ID in the high half and the vendor ID in the low half, as a `device-filter` has them: `0x233010DE`.
    package var pciID: UInt32
    /// The subsystem's device ID and vendor ID in the same form.
    package var subsystemID: UInt32
    package var virtualization: Reading<VirtualizationMode>
    /// The MIG mode; absent when the GPU has no MIG.
    package var mode: Reading<MIGMode>
    /// The kinds of GPU instances that the GPU can have.
    package var offers: Reading<[MIGOffer]>
    /// The GPU instances that exist; empty when MIG mode is off.
    package var instances: Reading<[MIGGPUInstance]>
    /// The processes that compute or draw on the GPU and its MIG devices.
    package var processes: Reading<GPUProcesses>
    /// The names of the MIG devices, which also a vGPU guest may read.
    package var devices: Reading<[String]>
    /// The number in the name of the GPU's device node, `nvidia0`.
    package var minor: Reading<Int>

    package init(
        index: Int,
        pciAddress: PCIAddress,
        uuid: String,
        name: String,
        pciID: UInt32,
        subsystemID: UInt32 = 0,
        virtualization: Reading<VirtualizationMode> = .absent,
        mode: Reading<MIGMode>,
        offers: Reading<[MIGOffer]>,
        instances: Reading<[MIGGPUInstance]>,
        processes: Reading<GPUProcesses> = .absent,
        devices: Reading<[String]> = .absent,
        minor: Reading<Int> = .absent
    ) {
        self.index = index
        self.pciAddress = pciAddress
        self.uuid = uuid
        self.name = name
        self.pciID = pciID
        self.subsystemID = subsystemID
        self.virtualization = virtualization
        self.mode = mode
        self.offers = offers
        self.instances = instances
        self.processes = processes
        self.devices = devices
        self.minor = minor
    }

    /// The GPU for people: `GPU 0 (0000:17:00.0)`.
    package var label: String { "GPU \(index) (\(pciAddress))" }
}

/// Memory slices of a GPU that follow each other: a place for a GPU instance.
package struct MIGSpan: Codable, Sendable, Hashable, CustomStringConvertible {
    /// The first slice.
    package var start: Int
    /// The number of slices.
    package var size: Int

    package init(start: Int, size: Int) {
        self.start = start
        self.size = size
    }

    /// The place as `nvidia-smi` prints it: `4:2`.
    package var description: String { "\(start):\(size)" }
}

/// The engines of a GPU instance that no other instance shares.
package struct MIGEngines: Codable, Sendable, Equatable {
    package var decoders: Int
    package var encoders: Int
    package var jpeg: Int
    package var opticalFlow: Int

    package init(decoders: Int = 0, encoders: Int = 0, jpeg: Int = 0, opticalFlow: Int = 0) {
        self.decoders = decoders
        self.encoders = encoders
        self.jpeg = jpeg
        self.opticalFlow = opticalFlow
    }
}

/// A kind of GPU instance that a GPU can have, and where.
package struct MIGOffer: Codable, Sendable, Equatable {
    /// NVML's ID of the profile.
    package var id: Int
    /// The name without "MIG", such as `1g.10gb+me`.
    package var name: String
    /// The number of compute slices.
    package var slices: Int
    /// How many of them an empty GPU has room for.
    package var instances: Int
    package var engines: MIGEngines
    /// Where such an instance can be; absent while MIG mode is off.
    package var placements: Reading<[MIGSpan]>

    package init(
        id: Int,
        name: String,
        slices: Int,
        instances: Int,
        engines: MIGEngines = MIGEngines(),
        placements: Reading<[MIGSpan]>
    ) {
        self.id = id
        self.name = name
        self.slices = slices
        self.instances = instances
        self.engines = engines
        self.placements = placements
    }
}

/// A GPU instance that exists.
package struct MIGGPUInstance: Codable, Sendable, Equatable {
    package var id: Int
    package var profileID: Int
    package var placement: MIGSpan
    package var computeInstances: [MIGComputeInstance]

    package init(id: Int, profileID: Int, placement: MIGSpan, computeInstances: [MIGComputeInstance]) {
        self.id = id
        self.profileID = profileID
        self.placement = placement
        self.computeInstances = computeInstances
    }
}

/// A compute instance that exists: what CUDA sees as a MIG device.
package struct MIGComputeInstance: Codable, Sendable, Equatable {
    package var id: Int
    /// The number of compute slices.
    package var slices: Int

    package init(id: Int, slices: Int) {
        self.id = id
        self.slices = slices
    }
}
