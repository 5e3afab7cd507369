import CVendor
import NodeModel

extension NVMLLibrary {
    /// Reads a trait of a GPU; absent when the GPU does not have it, or the driver does not know it.
    func read(_ trait: GPUTrait, of device: gpa_nvml_device_t) -> Reading<GPUTrait.Value> {
        switch trait {
        case .ecc:
            guard let call = functions.DeviceGetEccMode else { return .absent }
            return flag(trait) { current in
                var pending: UInt32 = 0
                return call(device, current, &pending)
            }
        case .gspFirmware:
            guard let call = functions.DeviceGetGspFirmwareVersion else { return .absent }
            return text(trait, size: GPA_NVML_GSP_FIRMWARE_VERSION_SIZE) { version, _ in call(device, version) }
        case .persistenceMode:
            guard let call = functions.DeviceGetPersistenceMode else { return .absent }
            return flag(trait) { call(device, $0) }
        }
    }

    /// Calls a function that writes a number, which is 0 for "off".
    private func flag<Number: FixedWidthInteger>(
        _ trait: GPUTrait,
        _ call: (UnsafeMutablePointer<Number>) -> gpa_nvml_return_t
    ) -> Reading<GPUTrait.Value> {
        Reading(canBeAbsent: true) { () throws(NVMLError) in .flag(try value(trait.declaration.symbol, 0, call) != 0) }
    }

    /// Calls a function that writes a text of at most `size` bytes.
    private func text(
        _ trait: GPUTrait,
        size: Int,
        _ call: (UnsafeMutablePointer<CChar>, UInt32) -> gpa_nvml_return_t
    ) -> Reading<GPUTrait.Value> {
        Reading(canBeAbsent: true) { () throws(NVMLError) in .text(try text(trait.declaration.symbol, size: size, call))
        }
    }
}
