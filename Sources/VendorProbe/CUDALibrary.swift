import CVendor
import NodeModel
import Support

/// A function of CUDA that returned an error.
struct CUDAError: CausedError {
    /// The name of the function, such as `cuInit`.
    var call: String
    var code: gpa_cuda_result_t

    var cause: (any Error)? { nil }
    var description: String { "\(call): \(code)" }
}

/// The CUDA driver API, loaded in this process.
struct CUDALibrary {
    let functions: gpa_cuda_functions_t
    /// It hears of each call before it is made.
    let reporter: VendorReporter

    init(path: String, reporter: VendorReporter) throws(LibraryError) {
        functions = try VendorLibrary(path: path).functions(gpa_cuda_symbols)
        self.reporter = reporter
    }

    /// Initializes CUDA, and counts the devices that this process sees.
    ///
    /// - Parameters:
    ///   - visibleDevices: The value of `CUDA_VISIBLE_DEVICES` in the environment of this process.
    ///   - computes: Whether each device must run a kernel, too.
    /// - Returns: The result of the first call that failed, or success. It is malformed when the number of devices is
    ///   not possible.
    func facts(visibleDevices: String?, computes: Bool) -> Reading<CUDAFacts> {
        var facts = CUDAFacts(visibleDevices: visibleDevices, result: 0, errorName: nil, deviceCount: 0)
        do throws(CUDAError) {
            try call("cuInit") { functions.Init(0) }
            var count: Int32 = 0
            try call("cuDeviceGetCount") { functions.DeviceGetCount(&count) }
            guard (0...Int32(vendorDeviceLimit)).contains(count) else {
                let detail = "cuDeviceGetCount: \(count) devices, but at most \(vendorDeviceLimit) are possible"
                return .unreadable(ReadFailure(.malformed, detail))
            }
            facts.deviceCount = Int(count)
            if computes { facts.computation = .present(try compute(onDevices: count)) }
        } catch {
            facts.result = Int(error.code)
            facts.errorName = name(of: error.code)
            facts.failedCall = error.call
            if computes { facts.computation = .absent }
        }
        return .present(facts)
    }

    /// Announces a call, and makes it.
    ///
    /// - Parameters:
    ///   - name: The name of the function.
    ///   - gpu: NVML's index of the GPU; nil in a process that sees only one.
    ///   - body: Makes the call.
    /// - Throws: The error code of the call.
    func call(_ name: String, gpu: Int? = nil, _ body: () -> gpa_cuda_result_t) throws(CUDAError) {
        reporter.calling(name, gpu: gpu)
        let code = body()
        if code != 0 { throw CUDAError(call: name, code: code) }
    }

    /// CUDA's name of an error code.
    func name(of result: gpa_cuda_result_t) -> String {
        var name: UnsafePointer<CChar>?
        guard functions.GetErrorName(result, &name) == 0, let name else { return "CUDA_ERROR_\(result)" }
        return String(cString: name)
    }
}
