import CVendor
import NodeModel

extension NVMLLibrary {
    func migMode(of device: gpa_nvml_device_t) throws(NVMLError) -> MIGMode {
        var pending: UInt32 = 0
        let symbol = "nvmlDeviceGetMigMode"
        let current = try value(symbol, 0 as UInt32) {
            functions.DeviceGetMigMode(device, $0, &pending)
        }
        return MIGMode(current: try flag(symbol, current), pending: try flag(symbol, pending))
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
            gpuInstanceID: try instanceID("nvmlDeviceGetGpuInstanceId", gpuInstance),
            computeInstanceID: try instanceID("nvmlDeviceGetComputeInstanceId", computeInstance),
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
        let symbol = "nvmlDeviceGetAttributes_v2"
        let attributes = try value(symbol, gpa_nvml_device_attributes_t()) {
            functions.DeviceGetAttributes_v2(mig, $0)
        }
        let counts = [
            attributes.multiprocessor_count, attributes.shared_copy_engine_count, attributes.shared_decoder_count,
            attributes.shared_encoder_count, attributes.shared_jpeg_count, attributes.shared_ofa_count,
        ]
        // The largest GPU has less than 200 multiprocessors.
        if let count = counts.first(where: { $0 > 1024 }) { throw .count(symbol, "\(count) of a kind") }
        guard attributes.memory_size_mib <= UInt64(Self.mostMemoryMiB) else {
            throw .value(symbol, "\(attributes.memory_size_mib) MiB")
        }
        return MIGAttributes(
            multiprocessors: Int(attributes.multiprocessor_count),
            gpuInstanceSlices: try slices(symbol, attributes.gpu_instance_slice_count),
            computeInstanceSlices: try slices(symbol, attributes.compute_instance_slice_count),
            copyEngines: Int(attributes.shared_copy_engine_count),
            decoders: Int(attributes.shared_decoder_count),
            encoders: Int(attributes.shared_encoder_count),
            jpegEngines: Int(attributes.shared_jpeg_count),
            opticalFlowEngines: Int(attributes.shared_ofa_count),
            memoryMiB: Int(clamping: attributes.memory_size_mib)
        )
    }
}
