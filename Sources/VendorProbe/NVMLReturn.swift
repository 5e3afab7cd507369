import NodeModel
import Support

/// A return code of NVML (`nvmlReturn_t`).
package struct NVMLReturn: RawRepresentable, Sendable, Hashable {
    package let rawValue: Int32

    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    static let success = NVMLReturn(rawValue: 0)
    static let notSupported = NVMLReturn(rawValue: 3)
    static let notFound = NVMLReturn(rawValue: 6)
    static let functionNotFound = NVMLReturn(rawValue: 13)
    static let argumentVersionMismatch = NVMLReturn(rawValue: 25)

    /// The name of the code in NVIDIA's header.
    package var name: String { Self.names[rawValue] ?? "NVML_ERROR_\(rawValue)" }

    /// The names of all errors in NVIDIA's header of version 13.5.
    package static let names: [Int32: String] = [
        1: "NVML_ERROR_UNINITIALIZED",
        2: "NVML_ERROR_INVALID_ARGUMENT",
        3: "NVML_ERROR_NOT_SUPPORTED",
        4: "NVML_ERROR_NO_PERMISSION",
        5: "NVML_ERROR_ALREADY_INITIALIZED",
        6: "NVML_ERROR_NOT_FOUND",
        7: "NVML_ERROR_INSUFFICIENT_SIZE",
        8: "NVML_ERROR_INSUFFICIENT_POWER",
        9: "NVML_ERROR_DRIVER_NOT_LOADED",
        10: "NVML_ERROR_TIMEOUT",
        11: "NVML_ERROR_IRQ_ISSUE",
        12: "NVML_ERROR_LIBRARY_NOT_FOUND",
        13: "NVML_ERROR_FUNCTION_NOT_FOUND",
        14: "NVML_ERROR_CORRUPTED_INFOROM",
        15: "NVML_ERROR_GPU_IS_LOST",
        16: "NVML_ERROR_RESET_REQUIRED",
        17: "NVML_ERROR_OPERATING_SYSTEM",
        18: "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
        19: "NVML_ERROR_IN_USE",
        20: "NVML_ERROR_MEMORY",
        21: "NVML_ERROR_NO_DATA",
        22: "NVML_ERROR_VGPU_ECC_NOT_SUPPORTED",
        23: "NVML_ERROR_INSUFFICIENT_RESOURCES",
        24: "NVML_ERROR_FREQ_NOT_SUPPORTED",
        25: "NVML_ERROR_ARGUMENT_VERSION_MISMATCH",
        26: "NVML_ERROR_DEPRECATED",
        27: "NVML_ERROR_NOT_READY",
        28: "NVML_ERROR_GPU_NOT_FOUND",
        29: "NVML_ERROR_INVALID_STATE",
        30: "NVML_ERROR_RESET_TYPE_NOT_SUPPORTED",
        999: "NVML_ERROR_UNKNOWN",
    ]
}

/// Why a call of NVML failed.
enum NVMLError: CausedError {
    /// The function returned an error code.
    case call(String, NVMLReturn)
    /// The function succeeded, but returned a value that it cannot have.
    case value(String, String)
    /// The function succeeded, but returned a count that is not possible.
    case count(String, String)

    var cause: (any Error)? { nil }

    /// For an error code `symbol: CODE NAME`, such as `nvmlInit_v2: 9 NVML_ERROR_DRIVER_NOT_LOADED`.
    var description: String {
        switch self {
        case .call(let symbol, let code):
            NVMLFailure(symbol: symbol, code: Int(code.rawValue), name: code.name).description
        case .value(let symbol, let text): "\(symbol): '\(text)'"
        case .count(let symbol, let text): "\(symbol): \(text)"
        }
    }

    var failure: ReadFailure {
        switch self {
        case .call: ReadFailure(.vendor, errorChain(self))
        case .value, .count: ReadFailure(.malformed, errorChain(self))
        }
    }
}

extension Reading {
    /// The result of a call of NVML.
    ///
    /// - Parameters:
    ///   - canBeAbsent: Whether the reading is absent when the code means that the GPU or the driver does not have what
    ///     the call asks for (`NVMLFailure.Class.absence`).
    ///   - read: The call.
    init(canBeAbsent: Bool = false, _ read: () throws(NVMLError) -> Value) {
        do throws(NVMLError) {
            self = .present(try read())
        } catch {
            let isAbsence = NVMLFailure(error.failure)?.kind == .absence
            self = canBeAbsent && isAbsence ? .absent : .unreadable(error.failure)
        }
    }
}
