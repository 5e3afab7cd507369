import CVendor
import NodeModel

/// The frame buffer memory of a GPU or a MIG device.
struct NVMLMemory: Codable, Sendable, Equatable {
    var totalMiB: Int
    /// What processes use, without what the driver reserves.
    var usedMiB: Int
    var freeMiB: Int
    var reserved: Reading<GPUTrait.Value>
}

extension NVMLLibrary {
    /// The memory of a GPU or a MIG device.
    ///
    /// It calls `nvmlDeviceGetMemoryInfo_v2`. When the driver or the device does not support that, it calls
    /// `nvmlDeviceGetMemoryInfo`, which counts the reserved memory as used.
    func memory(of device: gpa_nvml_device_t) throws(NVMLError) -> NVMLMemory {
        let newest = "nvmlDeviceGetMemoryInfo_v2"
        var reason = "the driver has no function \(newest)"
        if let call = functions.DeviceGetMemoryInfo_v2 {
            var memory = gpa_nvml_memory_v2_t()
            memory.version = GPA_NVML_MEMORY_V2_VERSION
            reporter.calling(newest)
            let code = NVMLReturn(rawValue: call(device, &memory))
            switch code {
            case .success:
                return NVMLMemory(
                    totalMiB: mebibytes(memory.total),
                    usedMiB: mebibytes(memory.used),
                    freeMiB: mebibytes(memory.free),
                    reserved: .present(.number(mebibytes(memory.reserved)))
                )
            case .argumentVersionMismatch, .functionNotFound, .notSupported:
                reason = NVMLError.call(newest, code).description
            default: throw .call(newest, code)
            }
        }
        let memory = try value("nvmlDeviceGetMemoryInfo", gpa_nvml_memory_t()) {
            functions.DeviceGetMemoryInfo(device, $0)
        }
        return NVMLMemory(
            totalMiB: mebibytes(memory.total),
            usedMiB: mebibytes(memory.used),
            freeMiB: mebibytes(memory.free),
            reserved: .absentBecause(reason)
        )
    }
}

private func mebibytes(_ bytes: UInt64) -> Int { Int(bytes >> 20) }
