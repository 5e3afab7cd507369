import NodeModel
import Testing

@testable import VendorProbe

/// Peer access between GPUs, in the real child process with the stand-in libraries.
@Suite struct CUDAPeerTests {
    private func facts(
        _ model: HardwareModel = .h100SXM,
        defines: String = "",
        _ change: (inout StandInHost) -> Void = { _ in }
    ) async throws -> VendorFacts {
        try await StandInHost.with(hardware: model.text, defines: defines) { host in
            change(&host)
            let facts = await host.prober().facts()
            #expect(host.isTidy)
            return facts
        }
    }

    /// The pairs of eight H100 with one fabric, and this fault.
    private func pairs(_ fault: String...) async throws -> [CUDAPeerPair] {
        let facts = try await facts(HardwareModel.h100SXM.with(lines: fault))
        let pairs = try #require(facts.peers.value, "\(facts.peers)").pairs
        #expect(pairs.count == 28)
        return pairs
    }

    @Test func eachGPUOfAFabricReachesEachOther() async throws {
        let pairs = try await pairs()
        #expect(pairs.allSatisfy { $0.works })
        let names = pairs.map { "\($0.first) \($0.second)" }
        #expect(Set(names).count == 28 && names.first == "GPU-0 GPU-1" && names.last == "GPU-6 GPU-7")
    }

    @Test func aGPUThatRefusesAccessIsFoundInBothDirections() async throws {
        for pair in try await pairs("fault cuDeviceCanAccessPeer wrong gpu=3") {
            let isRefused = [pair.first, pair.second].contains("GPU-3")
            let failures = [pair.first, pair.second].map { CUDAPeerFailure(from: $0, call: "cuDeviceCanAccessPeer") }
            #expect(pair.failures == (isRefused ? failures : []) && pair.untested == nil)
        }
    }

    @Test func accessThatCannotBeEnabledDoesNotEndTheTest() async throws {
        for pair in try await pairs("fault cuCtxEnablePeerAccess code=217 gpu=2") {
            let failure = CUDAPeerFailure(
                from: "GPU-2",
                call: "cuCtxEnablePeerAccess",
                result: 217,
                errorName: "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED"
            )
            #expect(pair.failures == ([pair.first, pair.second].contains("GPU-2") ? [failure] : []))
            #expect(pair.untested == nil)
        }
    }

    @Test func aCopyThatArrivesChangedIsNoticed() async throws {
        for pair in try await pairs("fault cuMemcpyPeer wrong gpu=5") {
            let failure = CUDAPeerFailure(from: "GPU-5", wrongValues: 1)
            #expect(pair.failures == ([pair.first, pair.second].contains("GPU-5") ? [failure] : []))
        }
    }

    /// Such an error stays in the process, so a further call would accuse GPUs that work.
    @Test func anErrorOfACopyEndsTheTest() async throws {
        let pairs = try await pairs("fault cuMemcpyPeer code=220 gpu=1")
        let failure = CUDAPeerFailure(
            from: "GPU-1",
            call: "cuMemcpyPeer",
            result: 220,
            errorName: "CUDA_ERROR_NVLINK_UNCORRECTABLE"
        )
        #expect(pairs.first == CUDAPeerPair(first: "GPU-0", second: "GPU-1", failures: [failure]))
        let why = "the test ended with the error 220 in cuMemcpyPeer"
        #expect(pairs.dropFirst().allSatisfy { $0.failures.isEmpty && $0.untested == why })
    }

    /// Neither the beginning nor the end of a test is about the way between the GPUs.
    ///
    /// Every GPU passed its own test before, so the second call is that of the first pair.
    @Test(
        arguments: [
            ("cuMemAlloc_v2", "code=2 gpu=1 after=1", "CUDA_ERROR_OUT_OF_MEMORY"),
            ("cuMemFree_v2", "code=719 gpu=1 after=1", "CUDA_ERROR_LAUNCH_FAILED"),
            ("cuDevicePrimaryCtxRelease_v2", "code=719 gpu=1 after=1", "CUDA_ERROR_LAUNCH_FAILED"),
        ]
    )
    func anErrorOfOneGPUNamesThisGPU(_ call: String, _ fault: String, _ name: String) async throws {
        let pairs = try await pairs("fault \(call) \(fault)")
        let failure = try #require(pairs.first?.failures.first)
        #expect(failure.from == "GPU-1" && failure.call == call && failure.isAlone == true)
        #expect(failure.errorName == name && pairs[0].failures.count == 1)
        #expect(pairs.dropFirst().allSatisfy { $0.failures.isEmpty && $0.untested != nil })
    }

    @Test func aGPUOnWhichCUDAFailsIsLeftOut() async throws {
        for pair in try await pairs("fault cuLaunchKernel code=719 gpu=7") {
            #expect(pair.failures.isEmpty)
            #expect(pair.untested == (pair.second == "GPU-7" ? "CUDA does not work on one of the GPUs" : nil))
        }
    }

    @Test func aHangNamesTheCallAndTheGPUAndLeavesTheOtherFacts() async throws {
        let facts = try await facts(.h100SXM.with("fault cuMemcpyPeer hang gpu=6")) {
            $0.deadlines.cudaPeers = .seconds(1)
        }
        #expect(facts.peers.failure?.reason == .hang)
        #expect(facts.peers.failure?.detail.hasPrefix("peer access: cuMemcpyPeer for GPU 6 did not return") == true)
        #expect(facts.cuda.value?.allSatisfy { $0.works } == true)
    }

    @Test func aGPUThatIsInUseIsNotDisturbed() async throws {
        let inUse = CUDATest.light("python3 (7) uses the GPU")
        let some = try await facts {
            $0.peerTest = { first, second in [first.index, second.index].contains(4) ? inUse : .full }
        }
        for pair in try #require(some.peers.value).pairs {
            let isBusy = [pair.first, pair.second].contains("GPU-4")
            #expect(pair.works == !isBusy && pair.untested == (isBusy ? "python3 (7) uses the GPU" : nil))
        }
        let all = try await facts { $0.peerTest = { _, _ in inUse } }
        #expect(all.peers == .skipped("python3 (7) uses the GPU"))
    }

    /// The number of children that cannot be killed has a limit, which the other tests need.
    @Test func nothingIsTestedWhileAChildCannotBeKilled() async throws {
        let abandoned = AbandonedChildren()
        abandoned.add(1)
        let facts = try await StandInHost.with(hardware: HardwareModel.h100SXM.text) { host in
            let prober = VendorProber(
                program: Toolbox.agent,
                libraries: VendorLibraries(nvml: host.nvml, cuda: host.cuda),
                companions: [],
                scratch: host.root,
                abandoned: abandoned
            )
            return await prober.facts()
        }
        let detail = "peer access: not called, because 1 child process of the agent cannot be killed"
        #expect(facts.peers == .unreadable(ReadFailure(.hang, detail)))
        #expect(facts.cuda.value?.allSatisfy { $0.works } == true)
    }

    @Test func aDriverWithoutTheFunctionsIsNoFault() async throws {
        let facts = try await facts(defines: "-DSTANDIN_WITHOUT_PEERS")
        #expect(facts.peers == .skipped("the driver has no function cuDeviceCanAccessPeer"))
        #expect(facts.cuda.value?.allSatisfy { $0.works } == true)
    }

    @Test func aListThatCUDADoesNotTakeIsNotTested() async throws {
        let facts = try await facts(.h100SXM.with("fault cuDeviceGetCount count=3")) {
            $0.cudaTest = { _ in .light("it is in use") }
        }
        let detail = "cuDeviceGetCount: 3 devices, but 8 GPUs were asked for"
        #expect(facts.peers == .unreadable(ReadFailure(.vendor, detail)))
    }

    @Test func aBridgeConnectsTheGPUsAtItsEnds() async throws {
        var model = HardwareModel.h100NVL
        model.lines[0] += " trait.nvlinkPeer=00000000:11:00.0"
        model.lines[1] += " trait.nvlinkPeer=00000000:10:00.0"
        let facts = try await facts(model)
        let links = facts.nvml.value?.gpus.first?.nvlink.value
        #expect(links?.neighbors == [PCIAddress(domain: 0, bus: 0x11, device: 0, function: 0)])
        #expect(links?.reachesSwitch == false)
        #expect(facts.peers == .present(CUDAPeerFacts(pairs: [CUDAPeerPair(first: "GPU-0", second: "GPU-1")])))
    }

    /// Three of these GPUs are in MIG mode.
    @Test func switchesConnectTheGPUsWithoutMIG() async throws {
        var model = HardwareModel.a100Mixed
        for index in 0..<8 { model.lines[index] += " trait.nvlinkSwitch=on" }
        let facts = try await facts(model)
        let pairs = try #require(facts.peers.value).pairs
        #expect(pairs.count == 10 && pairs.allSatisfy { $0.works })
        #expect(pairs.first?.first == "GPU-3")
        #expect(facts.nvml.value?.gpus.first?.nvlink.value?.reachesSwitch == true)
    }

    @Test(
        arguments: [
            (.t4, "NVLink connects no two of the GPUs"),
            (.rtxProVGPU, "peer access needs two GPUs that are not in MIG mode"),
            (.a100Full, "peer access needs two GPUs that are not in MIG mode"),
            (
                .h100SXM.with("system ccEnvironment=2 ccFeature=1 ccTools=0"),
                "confidential computing keeps the GPUs apart"
            ),
        ] as [(HardwareModel, String)]
    )
    func nothingIsTestedWhereNothingIsPromised(_ model: HardwareModel, _ why: String) async throws {
        #expect(try await facts(model).peers == .skipped(why))
    }

    @Test func aPlanThatNamesAnUnknownGPUIsRefused() throws {
        let gpu = CUDAPeerPlan.GPU(index: 0, uuid: "GPU-0")
        for pair in [CUDAPeerPlan.Pair(first: 0, second: 1), CUDAPeerPlan.Pair(first: 0, second: 0)] {
            #expect(!CUDAPeerPlan(gpus: [gpu], pairs: [pair]).isValid)
        }
        let many = CUDAPeerPlan(gpus: Array(repeating: gpu, count: CUDAPeerFacts.gpuLimit + 1), pairs: [])
        #expect(!many.isValid)
    }
}
