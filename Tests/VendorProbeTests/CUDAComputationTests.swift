import FoundationEssentials
import NodeModel
import Synchronization
import Testing

@testable import VendorProbe

/// The test of CUDA with a kernel, in the real child process with the stand-in libraries.
@Suite struct CUDAComputationTests {
    private static let first = "GPU-00000000-0000-0000-0000-00000000000a"
    private static let second = "GPU-00000000-0000-0000-0000-00000000000b"

    private func cuda(with fault: String) async throws -> [CUDAFacts] {
        let hardware = StandInHost.twoH100 + fault + "\n"
        return try await StandInHost.with(hardware: hardware) { host in
            let cuda = try #require(await host.prober().facts().cuda.value)
            #expect(cuda.map(\.visibleDevices) == [Self.first, Self.second])
            #expect(host.isTidy)
            return cuda
        }
    }

    @Test(
        arguments: [
            "cuInit", "cuDeviceGetCount", "cuDeviceGet", "cuDevicePrimaryCtxRetain", "cuCtxSetCurrent", "cuMemAlloc_v2",
            "cuMemcpyHtoD_v2", "cuMemcpyDtoH_v2", "cuModuleLoadData", "cuModuleGetFunction", "cuLaunchKernel",
            "cuCtxSynchronize", "cuModuleUnload", "cuMemFree_v2", "cuDevicePrimaryCtxRelease_v2",
        ]
    )
    func theFirstCallThatFailsIsNamed(symbol: String) async throws {
        let cuda = try await cuda(with: "fault \(symbol) code=719")
        #expect(cuda.allSatisfy { !$0.works && $0.computation == .absent })
        #expect(cuda.map(\.failedCall) == [symbol, symbol])
        #expect(cuda.map(\.errorName) == ["CUDA_ERROR_LAUNCH_FAILED", "CUDA_ERROR_LAUNCH_FAILED"])
    }

    @Test func wrongResultsOfOneGPUAreCounted() async throws {
        let cuda = try await cuda(with: "fault cuLaunchKernel wrong gpu=1")
        #expect(cuda.map(\.works) == [true, false])
        #expect(cuda[1].computation == .present(CUDAComputation(wrongResults: 32)))
        #expect(cuda[1].result == 0 && cuda[1].deviceCount == 1)
    }

    @Test func memoryThatChangesIsNoticed() async throws {
        let cuda = try await cuda(with: "fault cuMemcpyDtoH_v2 wrong gpu=0")
        #expect(cuda.map(\.works) == [false, true])
        #expect(cuda[0].computation == .present(CUDAComputation(wrongCopies: 1, wrongResults: 1)))
    }

    @Test func aKernelThatHangsOnOneGPUDoesNotHideTheOther() async throws {
        try await StandInHost.with(hardware: StandInHost.twoH100 + "fault cuCtxSynchronize hang gpu=0\n") { host in
            host.deadlines.cudaComputation = .seconds(3)
            let cuda = try #require(await host.prober().facts().cuda.value)
            #expect(cuda.map(\.works) == [false, true])
            #expect(cuda[0].fault?.reason == .hang)
            #expect(cuda[0].fault?.detail.contains("cuCtxSynchronize did not return") == true)
            #expect(host.isTidy)
        }
    }

    @Test func aCrashOnOneGPUDoesNotHideTheOther() async throws {
        let cuda = try await cuda(with: "fault cuLaunchKernel crash gpu=1")
        #expect(cuda.map(\.works) == [true, false])
        #expect(cuda[1].fault?.reason == .crashed)
    }

    @Test func aLightTestTakesNoMemoryOfTheGPU() async throws {
        let calls = Mutex([String]())
        let cuda = try await StandInHost.with(hardware: StandInHost.twoH100) { host in
            let prober = VendorProber(
                program: Toolbox.agent,
                libraries: VendorLibraries(nvml: host.nvml, cuda: host.cuda),
                companions: [],
                scratch: host.root,
                cudaTest: { gpu, device in
                    gpu?.uuid.value == device && device == Self.first ? .light("it is in use") : .full
                },
                progress: { subject, call in calls.withLock { $0.append("\(subject): \(call)") } }
            )
            return try #require(await prober.facts().cuda.value)
        }
        #expect(cuda.map(\.works) == [true, true])
        #expect(cuda.map(\.computation) == [.skipped("it is in use"), .present(CUDAComputation())])
        let said = calls.withLock { calls in calls.filter { $0.contains(Self.first) } }
        #expect(said == ["cuInit", "cuDeviceGetCount"].map { "CUDA on \(Self.first): \($0)" })
    }

    @Test func factsOfAnEarlierVersionAreReadable() throws {
        let text = #"{"result": 100, "errorName": "CUDA_ERROR_NO_DEVICE", "deviceCount": 0}"#
        let facts = try JSONDecoder().decode(CUDAFacts.self, from: Data(text.utf8))
        #expect(
            facts == CUDAFacts(visibleDevices: nil, result: 100, errorName: "CUDA_ERROR_NO_DEVICE", deviceCount: 0)
        )
    }
}
