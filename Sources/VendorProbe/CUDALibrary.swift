import CVendor
import NodeModel

/// The CUDA driver API, loaded in this process.
struct CUDALibrary {
    private let functions: gpa_cuda_functions_t

    init(path: String) throws(LibraryError) {
        functions = try VendorLibrary(path: path).functions(gpa_cuda_symbols)
    }

    /// Initializes CUDA and counts the devices that this process sees.
    ///
    /// - Parameters:
    ///   - visibleDevices: The value of `CUDA_VISIBLE_DEVICES` in the environment of this process.
    ///   - reporter: It hears of each call before it is made.
    /// - Returns: The result of CUDA, the name of an error, and the number of devices. It is malformed when the number
    ///   is not possible.
    func facts(visibleDevices: String?, _ reporter: VendorReporter) -> Reading<CUDAFacts> {
        var count: Int32 = 0
        reporter.calling("cuInit")
        var result = functions.Init(0)
        if result == 0 {
            reporter.calling("cuDeviceGetCount")
            result = functions.DeviceGetCount(&count)
        }
        guard result != 0 || (0...Int32(vendorDeviceLimit)).contains(count) else {
            let detail = "cuDeviceGetCount: \(count) devices, but at most \(vendorDeviceLimit) are possible"
            return .unreadable(ReadFailure(.malformed, detail))
        }
        let facts = CUDAFacts(
            visibleDevices: visibleDevices,
            result: Int(result),
            errorName: result == 0 ? nil : name(of: result),
            deviceCount: result == 0 ? Int(count) : 0
        )
        return .present(facts)
    }

    private func name(of result: gpa_cuda_result_t) -> String {
        var name: UnsafePointer<CChar>?
        guard functions.GetErrorName(result, &name) == 0, let name else { return "CUDA_ERROR_\(result)" }
        return String(cString: name)
    }
}
