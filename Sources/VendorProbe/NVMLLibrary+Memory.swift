import CVendor
import NodeModel

/// The frame buffer memory of a GPU or a MIG device.
struct NVMLMemory: Codable, Sendable, Equatable {
    var totalMiB: Int
    /// What processes use, without what the driver reserves.
    var used: Reading<GPUTrait.Value>
    var free: Reading<GPUTrait.Value>
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
                    totalMiB: try mebibytes(newest, memory.total),
                    used: part(newest, memory.used, of: memory.total),
                    free: part(newest, memory.free, of: memory.total),
                    reserved: part(newest, memory.reserved, of: memory.total)
                )
            case .argumentVersionMismatch, .functionNotFound, .notSupported:
                reason = NVMLError.call(newest, code).description
            default: throw .call(newest, code)
            }
        }
        let symbol = "nvmlDeviceGetMemoryInfo"
        let memory = try value(symbol, gpa_nvml_memory_t()) {
            functions.DeviceGetMemoryInfo(device, $0)
        }
        return NVMLMemory(
            totalMiB: try mebibytes(symbol, memory.total),
            used: part(symbol, memory.used, of: memory.total),
            free: part(symbol, memory.free, of: memory.total),
            reserved: .absentBecause(reason)
        )
    }

    /// A part of the memory; malformed when it is more than all.
    private func part(_ symbol: String, _ bytes: UInt64, of total: UInt64) -> Reading<GPUTrait.Value> {
        let size = Int(bytes >> 20)
        guard bytes <= total else { return .unreadable(NVMLError.value(symbol, "\(size) MiB").failure) }
        return .present(.number(size))
    }
}
