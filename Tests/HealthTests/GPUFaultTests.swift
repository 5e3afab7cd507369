import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport
import Testing

/// An error code of any call about a GPU is the state of that GPU.
@Suite struct GPUFaultTests {
    /// A call about a GPU, and the field that then has its error code.
    struct Call: Sendable, CustomTestStringConvertible {
        var symbol: String
        var fail: @Sendable (inout GPUFacts, ReadFailure) -> Void
        var testDescription: String { symbol }

        init(_ symbol: String, _ fail: @escaping @Sendable (inout GPUFacts, ReadFailure) -> Void) {
            self.symbol = symbol
            self.fail = fail
        }

        static let all =
            [
                Call("nvmlDeviceGetPciInfo_v3") { $0.pciAddress = .unreadable($1) },
                Call("nvmlDeviceGetUUID") { $0.uuid = .unreadable($1) },
                Call("nvmlDeviceGetName") { $0.name = .unreadable($1) },
                Call("nvmlDeviceGetMemoryInfo_v2") { $0.memoryMiB = .unreadable($1) },
                Call("nvmlDeviceGetCudaComputeCapability") { $0.computeCapability = .unreadable($1) },
                Call("nvmlDeviceGetMigMode") { $0.migMode = .unreadable($1) },
                Call("nvmlDeviceGetMaxMigDeviceCount") { $0.migDevices = .unreadable($1) },
                Call("nvmlDeviceGetVirtualizationMode") { $0.virtualization = .unreadable($1) },
                Call("nvmlDeviceGetGridLicensableFeatures_v4") { $0.license = .unreadable($1) },
                Call("nvmlDeviceGetAttributes_v2") { gpu, failure in
                    var device = MIGDevice.wholeRTXPro
                    device.attributes = .unreadable(failure)
                    gpu.migDevices = .present([device])
                },
            ]

        /// The calls that only describe a GPU.
        static let descriptions = GPUTrait.allCases.map { trait in
            Call(trait.declaration.symbol) { $0.traits[trait] = .unreadable($1) }
        }
    }

    private static let names = [
        4: "NVML_ERROR_NO_PERMISSION", 8: "NVML_ERROR_INSUFFICIENT_POWER", 15: "NVML_ERROR_GPU_IS_LOST",
        16: "NVML_ERROR_RESET_REQUIRED",
        999: "NVML_ERROR_UNKNOWN", 3: "NVML_ERROR_NOT_SUPPORTED", 6: "NVML_ERROR_NOT_FOUND",
    ]

    private func failure(_ call: Call, _ code: Int) -> ReadFailure {
        ReadFailure(.vendor, "\(call.symbol): \(code) \(Self.names[code] ?? "")")
    }

    private func report(_ gpus: [GPUFacts]) -> NodeReport {
        let facts = NodeFacts.rtxProReady.with { facts in
            facts.pci = .present(gpus.indices.map { PCIFunction.rtxProVGPU.at(bus: UInt8($0)) })
            facts.vendor = .answering("595.91.07", gpus: gpus)
        }
        return Checks(facts: facts, plan: .adoptedRTXPro).report()
    }

    @Test(arguments: Call.all, [4, 15, 16, 999])
    func theOnlyGPUIsNotReady(call: Call, code: Int) {
        var gpu = GPUFacts.rtxProVGPU.at(index: 0)
        call.fail(&gpu, failure(call, code))
        #expect(gpu.faults == [failure(call, code)])
        let report = report([gpu])
        #expect(report.verdict == .notReady)
        #expect(report.findings.contains { $0.state == .failed && $0.observed.contains(failure(call, code).detail) })
    }

    @Test(arguments: Call.all, [4, 15, 16, 999])
    func oneGPUOfTwoDegradesTheNode(call: Call, code: Int) {
        var second = GPUFacts.rtxProVGPU.at(index: 1)
        call.fail(&second, failure(call, code))
        let report = report([.rtxProVGPU.at(index: 0), second])
        #expect(report.verdict == .degraded && report.readiness == .usable)
        let finding = report.finding(.gpuUnreadable)
        #expect(finding?.state == .warning)
        #expect(finding?.observed.contains(failure(call, code).detail) == true)
    }

    /// An error of a call that only describes a GPU counts when it is about the GPU as a whole.
    @Test(arguments: Call.descriptions)
    func anErrorOfADescriptionIsAFaultWhenTheGPUIs(call: Call) {
        for (code, isFault) in [(15, true), (16, true), (8, true), (4, false), (999, false), (3, false)] {
            var gpu = GPUFacts.rtxProVGPU
            call.fail(&gpu, failure(call, code))
            #expect(gpu.faults == (isFault ? [failure(call, code)] : []), "\(code)")
            let verdict = report([gpu]).verdict
            #expect(isFault ? verdict == .notReady : verdict == .ready, "\(code)")
        }
    }

    @Test(arguments: [3, 6])
    func whatAGPUDoesNotHaveIsNoFault(code: Int) throws {
        for call in Call.all where !["nvmlDeviceGetUUID", "nvmlDeviceGetMigMode"].contains(call.symbol) {
            var gpu = GPUFacts.rtxProVGPU
            call.fail(&gpu, failure(call, code))
            if gpu.migDevices.failure == nil { #expect(gpu.faults.isEmpty, "\(call.symbol)") }
        }
    }

    @Test func aLostMIGDeviceOfAFaultyGPUDoesNotFailTheOthers() throws {
        var second = GPUFacts.rtxProVGPU.at(index: 1)
        second.memoryMiB = .unreadable(ReadFailure(.vendor, "nvmlDeviceGetMemoryInfo_v2: 15 NVML_ERROR_GPU_IS_LOST"))
        var device = MIGDevice.wholeRTXPro
        device.uuid = "MIG-2"
        second.migDevices = .present([device])
        let facts = NodeFacts.rtxProReady.with { facts in
            facts.pci = .present([.rtxProVGPU.at(bus: 0), .rtxProVGPU.at(bus: 1)])
            facts.vendor = .answering("595.91.07", gpus: [.rtxProVGPU.at(index: 0), second])
            guard var vendor = facts.vendor.value, var cuda = vendor.cuda.value else { return }
            cuda[1] = CUDAFacts(visibleDevices: "MIG-2", result: 999, errorName: "CUDA_ERROR_UNKNOWN", deviceCount: 0)
            vendor.cuda = .present(cuda)
            facts.vendor = .present(vendor)
        }
        let report = Checks(facts: facts, plan: .adoptedRTXPro).report()
        #expect(report.verdict == .degraded && report.reason == .gpuUnreadable)
        #expect(report.finding(.cudaFailed)?.state == .pass)
    }

    @Test func aCUDAVersionThatNVMLCannotTellIsAWarning() {
        let facts = NodeFacts.h100Ready.withNVML {
            let detail = "nvmlSystemGetCudaDriverVersion_v2: 999 NVML_ERROR_UNKNOWN"
            $0.cudaVersion = .unreadable(ReadFailure(.vendor, detail))
        }
        let report = Checks(facts: facts, plan: .adoptedH100).report()
        #expect(report.verdict == .degraded && report.reason == .nvmlUnavailable)
    }

    @Test(arguments: [3, 6, 13])
    func aDriverThatDoesNotTellTheCUDAVersionIsReady(code: Int) {
        let names = [13: "NVML_ERROR_FUNCTION_NOT_FOUND"].merging(Self.names) { first, _ in first }
        let detail = "nvmlSystemGetCudaDriverVersion_v2: \(code) \(names[code] ?? "")"
        for reading in [Reading<String>.absent, .unreadable(ReadFailure(.vendor, detail))] {
            let facts = NodeFacts.h100Ready.withNVML { $0.cudaVersion = reading }
            let report = Checks(facts: facts, plan: .adoptedH100).report()
            #expect(report.verdict == .ready)
            #expect(report.finding(.nvmlUnavailable)?.state == .pass)
        }
    }

    /// A facts file, or a child process that a broken library misleads, can have any number.
    @Test func numbersOfDevicesDoNotOverflow() {
        let answers = ["a", "b"].map {
            CUDAFacts(visibleDevices: $0, result: 0, errorName: nil, deviceCount: .max)
        }
        let facts = NodeFacts.h100Ready.with { facts in
            facts.vendor = facts.vendor.map { VendorFacts(nvml: $0.nvml, cuda: .present(answers)) }
        }
        #expect(Checks(facts: facts, plan: .adoptedH100).report().finding(.cudaFailed)?.state == .pass)
    }
}
