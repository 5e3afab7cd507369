import CVendor
import NodeModel

/// NVML, loaded in this process; `start` initializes it.
struct NVMLLibrary {
    let functions: gpa_nvml_functions_t
    /// Hears of each call before it is made.
    let reporter: VendorReporter

    /// Loads the library.
    ///
    /// - Throws: `open` when it cannot be loaded, and `symbol` when it lacks a required function.
    init(path: String, reporter: VendorReporter) throws(LibraryError) {
        self.reporter = reporter
        functions = try VendorLibrary(path: path).functions(gpa_nvml_symbols)
    }

    /// Initializes NVML; call it only once.
    func start() throws(NVMLError) {
        reporter.calling("nvmlInit_v2")
        try check("nvmlInit_v2", functions.Init_v2())
    }

    /// Reads the versions of the driver, and all GPUs.
    ///
    /// The result contains a GPU that does not answer, with unreadable fields.
    func facts() throws(NVMLError) -> NVMLFacts {
        var facts = NVMLFacts(
            driverVersion: try text("nvmlSystemGetDriverVersion", size: GPA_NVML_VERSION_SIZE) {
                functions.SystemGetDriverVersion($0, $1)
            },
            nvmlVersion: try text("nvmlSystemGetNVMLVersion", size: GPA_NVML_VERSION_SIZE) {
                functions.SystemGetNVMLVersion($0, $1)
            },
            // A driver may not tell it. Whether CUDA works is another question, which the CUDA child answers.
            cudaVersion: Reading(canBeAbsent: true) { () throws(NVMLError) in try cudaVersion() },
            driverBranch: .skipped(GPUFacts.notRead),
            confidentialComputing: .skipped(GPUFacts.notRead),
            gpus: []
        )
        let count = Int(try count())
        reporter.found(facts, gpuCount: count)
        let gpus = gpus(count)
        // These describe the node only, so they come last.
        facts.driverBranch = driverBranch()
        reporter.found(facts, gpuCount: count)
        facts.confidentialComputing = confidentialComputing()
        facts.gpus = gpus
        return facts
    }

    func count() throws(NVMLError) -> UInt32 {
        try count("nvmlDeviceGetCount_v2", atMost: vendorDeviceLimit, "GPUs") { functions.DeviceGetCount_v2($0) }
    }

    private func cudaVersion() throws(NVMLError) -> String {
        let symbol = "nvmlSystemGetCudaDriverVersion_v2"
        let number = try value(symbol, 0 as Int32) { functions.SystemGetCudaDriverVersion_v2($0) }
        guard (1000..<100_000).contains(number) else { throw .value(symbol, "\(number)") }
        return "\(number / 1000).\(number % 1000 / 10)"
    }

    private func driverBranch() -> Reading<String> {
        let symbol = "nvmlSystemGetDriverBranch"
        return detail(symbol, functions.SystemGetDriverBranch) { call throws(NVMLError) in
            var info = gpa_nvml_driver_branch_t()
            info.version = GPA_NVML_DRIVER_BRANCH_VERSION
            info = try value(symbol, info) { call($0, UInt32(GPA_NVML_VERSION_SIZE)) }
            guard let branch = withUnsafeBytes(of: info.branch, vendorString) else { throw .text(symbol) }
            return branch
        }
    }
}

extension NVMLLibrary {
    func check(_ symbol: String, _ code: gpa_nvml_return_t) throws(NVMLError) {
        guard code == NVMLReturn.success.rawValue else { throw .call(symbol, NVMLReturn(rawValue: code)) }
    }

    /// Calls a function that writes one value.
    func value<Value>(
        _ symbol: String,
        _ initial: Value,
        _ call: (UnsafeMutablePointer<Value>) -> gpa_nvml_return_t
    ) throws(NVMLError) -> Value {
        var value = initial
        reporter.calling(symbol)
        try check(symbol, call(&value))
        return value
    }

    /// Calls a function that writes a count, and refuses a count that no machine has.
    ///
    /// The agent would ask for each of them, so it must not believe any number.
    func count(
        _ symbol: String,
        atMost limit: UInt32,
        _ noun: String,
        _ call: (UnsafeMutablePointer<UInt32>) -> gpa_nvml_return_t
    ) throws(NVMLError) -> UInt32 {
        let count = try value(symbol, 0, call)
        guard count <= limit else { throw .count(symbol, "\(count) \(noun), but at most \(limit) are possible") }
        return count
    }

    /// Calls a function that writes a handle.
    func handle(
        _ symbol: String,
        _ call: (UnsafeMutablePointer<gpa_nvml_device_t?>) -> gpa_nvml_return_t
    ) throws(NVMLError) -> gpa_nvml_device_t {
        let handle = try value(symbol, nil as gpa_nvml_device_t?, call)
        guard let handle else { throw .value(symbol, "no handle") }
        return handle
    }

    /// Calls a function that writes a string of at most `size` bytes.
    func text(
        _ symbol: String,
        size: Int,
        _ call: (UnsafeMutablePointer<CChar>, UInt32) -> gpa_nvml_return_t
    ) throws(NVMLError) -> String {
        var bytes = [CChar](repeating: 0, count: size)
        reporter.calling(symbol)
        try check(symbol, call(&bytes, UInt32(size)))
        guard let text = bytes.withUnsafeBytes(vendorString) else { throw .text(symbol) }
        return text
    }
}

/// What is in a C array of text, up to the first NUL or the end of the array.
///
/// It is for messages: bytes that are not UTF-8 are replaced.
func vendorText(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
}
