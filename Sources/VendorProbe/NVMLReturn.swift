import NodeModel
import Support

/// A return code of NVML (`nvmlReturn_t`).
package struct NVMLReturn: RawRepresentable, Sendable, Hashable {
    package let rawValue: Int32

    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    static let success = NVMLReturn(rawValue: 0)
    static let invalidArgument = NVMLReturn(rawValue: 2)
    static let notSupported = NVMLReturn(rawValue: 3)
    static let noPermission = NVMLReturn(rawValue: 4)
    static let notFound = NVMLReturn(rawValue: 6)
    static let insufficientSize = NVMLReturn(rawValue: 7)
    static let timeout = NVMLReturn(rawValue: 10)
    static let functionNotFound = NVMLReturn(rawValue: 13)
    static let noData = NVMLReturn(rawValue: 21)
    static let argumentVersionMismatch = NVMLReturn(rawValue: 25)
    static let deprecated = NVMLReturn(rawValue: 26)

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
    /// The function succeeded, but what it wrote is no text.
    case text(String)

    var cause: (any Error)? { nil }

    /// For an error code `symbol: CODE NAME`, such as `nvmlInit_v2: 9 NVML_ERROR_DRIVER_NOT_LOADED`.
    var description: String {
        switch self {
        case .call(let symbol, let code):
            NVMLFailure(symbol: symbol, code: Int(code.rawValue), name: code.name).description
        case .value(let symbol, let text): "\(symbol): '\(text)'"
        case .count(let symbol, let text): "\(symbol): \(text)"
        case .text(let symbol): "\(symbol): the text has no end or is not UTF-8"
        }
    }

    var failure: ReadFailure {
        switch self {
        case .call: ReadFailure(.vendor, errorChain(self))
        case .value, .count, .text: ReadFailure(.malformed, errorChain(self))
        }
    }
}

extension NVMLReturn {
    /// Whether the code says that a detail is not to be had on this GPU, from this driver, or with these rights.
    var isAbsenceOfDetail: Bool {
        [
            .notSupported, .noPermission, .notFound, .functionNotFound, .noData, .argumentVersionMismatch,
            .deprecated,
        ]
        .contains(self)
    }
}

extension NVMLLibrary {
    /// The result of a call that a driver may not have, about a detail that a GPU may not have.
    ///
    /// - Parameters:
    ///   - symbol: The name of the function.
    ///   - function: The function; nil when the library does not have it.
    ///   - read: Makes the call.
    /// - Returns: The value; absent with the reason when the GPU, the driver or the rights of the agent do not allow it.
    func detail<Function, Value>(
        _ symbol: String,
        _ function: Function?,
        _ read: (Function) throws(NVMLError) -> Value
    ) -> Reading<Value> {
        guard let function else { return .absentBecause("the driver has no function \(symbol)") }
        do throws(NVMLError) { return .present(try read(function)) } catch {
            guard case .call(_, let code) = error, code.isAbsenceOfDetail else {
                return .unreadable(error.failure)
            }
            return .absentBecause(error.description)
        }
    }
}

extension Reading {
    /// The result of a call of NVML.
    ///
    /// - Parameters:
    ///   - canBeAbsent: Whether the reading is absent, with the reason, when the code means that the GPU or the driver
    ///     does not have what the call asks for (`NVMLFailure.Class.absence`).
    ///   - read: The call.
    init(canBeAbsent: Bool = false, _ read: () throws(NVMLError) -> Value) {
        do throws(NVMLError) {
            self = .present(try read())
        } catch {
            let isAbsence = NVMLFailure(error.failure)?.kind == .absence
            self = canBeAbsent && isAbsence ? .absentBecause(error.description) : .unreadable(error.failure)
        }
    }
}
