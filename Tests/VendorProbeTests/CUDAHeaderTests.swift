import Testing

/// Compares this project's declarations of the CUDA driver API with NVIDIA's header.
@Suite struct CUDAHeaderTests {
    private static let ours = CHeader(path: "\(Toolbox.repository)/Sources/CVendor/include/gpa_cuda.h")

    /// The types that the headers name differently; none of them is a struct with members.
    private static let types = [
        "CUresult": "gpa_cuda_result_t", "CUdevice": "gpa_cuda_device_t", "CUdeviceptr": "gpa_cuda_address_t",
        "CUcontext": "gpa_cuda_context_t", "CUmodule": "gpa_cuda_module_t", "CUfunction": "gpa_cuda_function_t",
        "CUstream": "gpa_cuda_stream_t", "uint32_t": "int", "int32_t": "int",
    ]

    /// The error codes for which the agent has a remedy, by their names in the header.
    private static let codes = [
        "CUDA_ERROR_OUT_OF_MEMORY": 2, "CUDA_ERROR_STUB_LIBRARY": 34, "CUDA_ERROR_DEVICE_UNAVAILABLE": 46,
        "CUDA_ERROR_NO_DEVICE": 100, "CUDA_ERROR_INVALID_DEVICE": 101, "CUDA_ERROR_DEVICE_NOT_LICENSED": 102,
        "CUDA_ERROR_ECC_UNCORRECTABLE": 214, "CUDA_ERROR_NVLINK_UNCORRECTABLE": 220,
        "CUDA_ERROR_JIT_COMPILER_NOT_FOUND": 221, "CUDA_ERROR_OPERATING_SYSTEM": 304,
        "CUDA_ERROR_SYSTEM_NOT_READY": 802, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH": 803,
        "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE": 804, "CUDA_ERROR_MPS_CONNECTION_FAILED": 805,
        "CUDA_ERROR_FABRIC_NOT_READY": 919, "CUDA_ERROR_UNKNOWN": 999,
    ]

    /// A version of NVIDIA's header, and the codes of the newest header that it does not have.
    struct Header: Sendable, CustomTestStringConvertible {
        var package: PythonPackage
        var lacks: Set<String> = []
        var testDescription: String { "\(package.name) \(package.version)" }

        var header: CHeader {
            get async throws { CHeader(path: try await package.path(of: "cuda.h")) }
        }

        static let all = [
            Header(package: PythonPackage(name: "nvidia-cuda-runtime", version: "13.5.37")),
            Header(
                package: PythonPackage(name: "nvidia-cuda-runtime-cu12", version: "12.9.79"),
                lacks: ["CUDA_ERROR_FABRIC_NOT_READY"]
            ),
        ]
    }

    @Test(arguments: Header.all)
    func ourTypesAndCodesAreThoseOfNVIDIA(_ version: Header) async throws {
        let header = try await version.header
        let types = Self.types.filter { $0.key.hasPrefix("CU") }.sorted { $0.key < $1.key }
        let codes = Self.codes.filter { !version.lacks.contains($0.key) }.sorted { $0.key < $1.key }
        let theirs = try await header.values(
            layouts: [],
            constants: types.map { "sizeof(\($0.key))" } + ["CUDA_SUCCESS"] + codes.map(\.key)
        )
        let ours = try await Self.ours.values(layouts: [], constants: types.map { "sizeof(\($0.value))" })
        #expect(theirs == ours + ["0"] + codes.map { "\($0.value)" })
        let text = try Toolbox.read(header.path)
        for name in version.lacks { #expect(!text.contains(name), "\(name)") }
    }

    @Test func everyCodeWithARemedyIsCompared() throws {
        let text = try Toolbox.read("\(Toolbox.repository)/Sources/Health/Driver/CUDARemedy.swift")
        let codes = text.matches(of: /case ([0-9, ]+):/).flatMap { $0.1.split(separator: ", ").compactMap { Int($0) } }
        #expect(codes.sorted() == Self.codes.values.sorted())
    }

    /// The header gives each function of the API the symbol of its current version, such as `cuMemAlloc_v2`.
    @Test(arguments: Header.all)
    func ourSymbolsAndParametersAreThoseOfNVIDIA(_ version: Header) async throws {
        let theirs = try await version.header.preprocessed().matches(of: /CUresult\s+cu(\w+)\(([^()]*)\);/)
            .reduce(into: [String: [String]]()) {
                $0[String($1.1)] = CHeader.parameters(String($1.2), names: Self.types)
            }
        let ours = try Toolbox.read(Self.ours.path).matches(of: /(?:REQUIRED|OPTIONAL)\(\s*\\?\s*(\w+),([^()]*)\)/)
            .filter { $0.1 != "name" }
        #expect(ours.count == 19)
        for function in ours {
            let parameters = CHeader.parameters(String(function.2), names: Self.types)
            #expect(parameters == theirs[String(function.1)], "cu\(function.1)")
        }
    }
}
