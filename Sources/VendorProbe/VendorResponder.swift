import Glibc
import NodeModel

/// Answers the requests of one child process.
struct VendorResponder {
    private let libraries: VendorLibraries
    /// NVML, once it was asked for: it is initialized once in a process, also when that fails.
    private var nvml: Result<NVMLLibrary, Failure>?

    private struct Failure: Error {
        var reading: Reading<NVMLFacts>
    }

    init(libraries: VendorLibraries) {
        self.libraries = libraries
    }

    /// The answer to a request, as a line.
    mutating func answer(_ request: VendorRequest) throws -> [UInt8] {
        switch request.method {
        case .hello:
            let hello = VendorHello(protocolVersion: vendorProtocolVersion)
            return try vendorLine(VendorAnswer(id: request.id, reading: .present(hello)))
        case .nvml: return try vendorLine(VendorAnswer(id: request.id, reading: nvmlFacts()))
        case .cuda: return try vendorLine(VendorAnswer(id: request.id, reading: cudaFacts()))
        }
    }

    private mutating func nvmlFacts() -> Reading<NVMLFacts> {
        let started = nvml ?? startNVML()
        nvml = started
        switch started {
        case .success(let library): return Reading { () throws(NVMLError) in try library.facts() }
        case .failure(let failure): return failure.reading
        }
    }

    private func startNVML() -> Result<NVMLLibrary, Failure> {
        guard let path = libraries.nvml else { return .failure(Failure(reading: .absent)) }
        let library: NVMLLibrary
        do throws(LibraryError) {
            library = try NVMLLibrary(path: path)
        } catch {
            return .failure(Failure(reading: .unreadable(error.failure)))
        }
        do throws(NVMLError) {
            try library.start()
        } catch {
            return .failure(Failure(reading: .unreadable(error.failure)))
        }
        return .success(library)
    }

    private func cudaFacts() -> Reading<CUDAFacts> {
        guard let path = libraries.cuda else { return .absent }
        do throws(LibraryError) {
            let visible = getenv("CUDA_VISIBLE_DEVICES").map { String(cString: $0) }
            return .present(try CUDALibrary(path: path).facts(visibleDevices: visible))
        } catch {
            return .unreadable(error.failure)
        }
    }
}
