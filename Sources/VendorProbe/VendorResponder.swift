import Glibc
import NodeModel

/// Answers the requests of one child process.
struct VendorResponder {
    private let libraries: VendorLibraries
    private let reporter: VendorReporter
    /// NVML after the first request for it.
    ///
    /// A process initializes it once, even when that fails.
    private var nvml: NVML?

    private enum NVML {
        case initialized(NVMLLibrary)
        case absent
        case failed(ReadFailure)
    }

    init(libraries: VendorLibraries, reporter: VendorReporter) {
        self.libraries = libraries
        self.reporter = reporter
    }

    /// Answers a request with one line of JSON.
    mutating func answer(_ request: VendorRequest) throws -> [UInt8] {
        switch request.method {
        case .hello:
            let hello = VendorHello(protocolVersion: vendorProtocolVersion)
            return try vendorLine(VendorAnswer(id: request.id, reading: .present(hello)))
        case .nvml: return try vendorLine(VendorAnswer(id: request.id, reading: nvmlFacts()))
        case .mig:
            let reading = withNVML { (library) throws(NVMLError) in try library.migInventory() }
            return try vendorLine(VendorAnswer(id: request.id, reading: reading))
        case .migChange:
            guard let change = request.change else { return try vendorLine(Self.nothingToChange(request.id)) }
            let reading = withNVML { (library) throws(NVMLError) in try library.make(change) }
            return try vendorLine(VendorAnswer(id: request.id, reading: reading))
        case .cuda: return try vendorLine(VendorAnswer(id: request.id, reading: cudaFacts(computes: false)))
        case .cudaComputation: return try vendorLine(VendorAnswer(id: request.id, reading: cudaFacts(computes: true)))
        case .cudaPeers:
            return try vendorLine(VendorAnswer(id: request.id, reading: cudaPeers(request.peers)))
        case .vulkan: return try vendorLine(VendorAnswer(id: request.id, reading: vulkanFacts()))
        }
    }

    private func vulkanFacts() -> Reading<VulkanFacts> {
        guard let path = libraries.vulkan else { return .absent }
        do throws(LibraryError) {
            var reading = try VulkanLibrary(path: path, reporter: reporter).facts()
            if case .present(var answer) = reading, answer.devices.isEmpty, let file = libraries.vulkanDriver {
                reporter.calling("dlopen")
                answer.loadError = VulkanDriverFile(path: file).loadError()
                reading = .present(answer)
            }
            return reading
        } catch {
            return .unreadable(error.failure)
        }
    }

    private static func nothingToChange(_ id: Int) -> VendorAnswer<MIGChangeResult> {
        VendorAnswer(id: id, reading: .unreadable(ReadFailure(.malformed, "the request has no change of MIG")))
    }

    private mutating func nvmlFacts() -> Reading<NVMLFacts> {
        withNVML { (library) throws(NVMLError) in try library.facts() }
    }

    private mutating func withNVML<Value>(_ read: (NVMLLibrary) throws(NVMLError) -> Value) -> Reading<Value> {
        let started = nvml ?? startNVML()
        nvml = started
        switch started {
        case .initialized(let library): return Reading { () throws(NVMLError) in try read(library) }
        case .absent: return .absent
        case .failed(let failure): return .unreadable(failure)
        }
    }

    private func startNVML() -> NVML {
        guard let path = libraries.nvml else { return .absent }
        let library: NVMLLibrary
        do throws(LibraryError) {
            library = try NVMLLibrary(path: path, reporter: reporter)
        } catch {
            return .failed(error.failure)
        }
        do throws(NVMLError) {
            try library.start()
        } catch {
            return .failed(error.failure)
        }
        return .initialized(library)
    }

    private func cudaFacts(computes: Bool) -> Reading<CUDAFacts> {
        guard let path = libraries.cuda else { return .absent }
        do throws(LibraryError) {
            let visible = getenv("CUDA_VISIBLE_DEVICES").map { String(cString: $0) }
            let library = try CUDALibrary(path: path, reporter: reporter)
            return library.facts(visibleDevices: visible, computes: computes)
        } catch {
            return .unreadable(error.failure)
        }
    }
    private func cudaPeers(_ plan: CUDAPeerPlan?) -> Reading<CUDAPeerFacts> {
        guard let path = libraries.cuda else { return .absent }
        guard let plan else { return .unreadable(ReadFailure(.malformed, "the request has no GPUs to test")) }
        do throws(LibraryError) {
            return try CUDALibrary(path: path, reporter: reporter).peers(plan)
        } catch {
            return .unreadable(error.failure)
        }
    }
}
