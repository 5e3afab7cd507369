import CVendor
import NodeModel

extension NVMLLibrary {
    func migMode(of device: gpa_nvml_device_t) throws(NVMLError) -> MIGMode {
        var pending: UInt32 = 0
        let current = try value("nvmlDeviceGetMigMode", 0 as UInt32) {
            functions.DeviceGetMigMode(device, $0, &pending)
        }
        return MIGMode(current: current != 0, pending: pending != 0)
    }

    /// The MIG devices that exist on the GPU.
    ///
    /// NVML returns the number of slots. Any slot can be empty.
    func migDevices(of device: gpa_nvml_device_t) throws(NVMLError) -> [MIGDevice] {
        let slots = try count("nvmlDeviceGetMaxMigDeviceCount", atMost: vendorDeviceLimit, "MIG devices on one GPU") {
            functions.DeviceGetMaxMigDeviceCount(device, $0)
        }
        var devices: [MIGDevice] = []
        for slot in 0..<slots {
            guard let mig = try migHandle(of: device, slot: slot) else { continue }
            devices.append(try migDevice(mig, of: device))
        }
        return devices
    }

    private func migHandle(of device: gpa_nvml_device_t, slot: UInt32) throws(NVMLError) -> gpa_nvml_device_t? {
        do throws(NVMLError) {
            return try handle("nvmlDeviceGetMigDeviceHandleByIndex") {
                functions.DeviceGetMigDeviceHandleByIndex(device, slot, $0)
            }
        } catch {
            guard case .call(_, .notFound) = error else { throw error }
            return nil
        }
    }

    private func migDevice(
        _ mig: gpa_nvml_device_t,
        of device: gpa_nvml_device_t
    ) throws(NVMLError) -> MIGDevice {
        let name = try name(of: mig)
        let gpuInstance = try value("nvmlDeviceGetGpuInstanceId", 0 as UInt32) {
            functions.DeviceGetGpuInstanceId(mig, $0)
        }
        let computeInstance = try value("nvmlDeviceGetComputeInstanceId", 0 as UInt32) {
            functions.DeviceGetComputeInstanceId(mig, $0)
        }
        let instances = instances(gpuInstance, computeInstance, of: device)
        return MIGDevice(
            uuid: try uuid(of: mig),
            profile: profile(in: name),
            memoryMiB: try memory(of: mig).totalMiB,
            gpuInstanceID: Int(gpuInstance),
            computeInstanceID: Int(computeInstance),
            attributes: Reading(canBeAbsent: true) { () throws(NVMLError) in
                try attributes(of: mig)
            },
            gpuInstance: instances.gpu,
            computeInstance: instances.compute
        )
    }

    /// The profile in the name of a MIG device: `1g.5gb` in `NVIDIA A100-SXM4-40GB MIG 1g.5gb`.
    ///
    /// It is the text after the last `MIG `, or the whole name when there is none.
    func profile(in name: String) -> String {
        guard let mark = name.ranges(of: "MIG ").last else { return name }
        return String(name[mark.upperBound...])
    }

    private func attributes(of mig: gpa_nvml_device_t) throws(NVMLError) -> MIGAttributes {
        let attributes = try value("nvmlDeviceGetAttributes_v2", gpa_nvml_device_attributes_t()) {
            functions.DeviceGetAttributes_v2(mig, $0)
        }
        return MIGAttributes(
            multiprocessors: Int(attributes.multiprocessor_count),
            gpuInstanceSlices: Int(attributes.gpu_instance_slice_count),
            computeInstanceSlices: Int(attributes.compute_instance_slice_count),
            copyEngines: Int(attributes.shared_copy_engine_count),
            decoders: Int(attributes.shared_decoder_count),
            encoders: Int(attributes.shared_encoder_count),
            jpegEngines: Int(attributes.shared_jpeg_count),
            opticalFlowEngines: Int(attributes.shared_ofa_count),
            memoryMiB: Int(clamping: attributes.memory_size_mib)
        )
    }
}
