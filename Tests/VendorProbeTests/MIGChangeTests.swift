import FoundationEssentials
import NodeModel
import Testing
import VendorProbe

/// The MIG layout through the child process, on the stand-in library.
@Suite struct MIGChangeTests {
    /// An A100, or another GPU with its profiles.
    static func a100(_ words: String = "mig=on", _ more: String...) -> String {
        let profiles = [
            "number=0 id=19 name=1g.5gb slices=1 instances=7 sm=14 memoryMiB=4864 places=0,1,2,3,4,5,6:1",
            "number=1 id=14 name=2g.10gb slices=2 instances=3 sm=28 memoryMiB=9856 decoders=1 places=0,2,4:2",
            "number=2 id=9 name=3g.20gb slices=3 instances=2 sm=42 memoryMiB=19968 decoders=2 places=0,4:4",
            "number=3 id=5 name=4g.20gb slices=4 instances=1 sm=56 memoryMiB=19968 decoders=2 places=0:4",
            "number=4 id=0 name=7g.40gb slices=7 instances=1 sm=98 memoryMiB=40192 decoders=5 jpeg=1 ofa=1 places=0:8",
            "number=7 id=20 name=1g.5gb+me slices=1 instances=1 sm=14 memoryMiB=4864 decoders=1 jpeg=1 ofa=1 "
                + "places=0,1,2,3,4,5,6:1",
        ]
        let gpu =
            "gpu 0 uuid=GPU-a name=\"NVIDIA A100-SXM4-40GB\" pci=00000000:17:00.0 id=10de20b0 subsystem=10de134f "
            + "memoryMiB=40960 cc=8.0 \(words)"
        return ([gpu] + profiles.map { "profile 0 \($0)" } + more).joined(separator: "\n") + "\n"
    }

    private func gpu(_ host: StandInHost) async throws -> MIGGPU {
        let reading = await host.prober().migInventory()
        return try #require(reading.value?.gpus.first, "\(reading)")
    }

    private func make(_ host: StandInHost, _ steps: MIGStep...) async throws -> MIGChangeResult {
        let reading = await host.prober().make(MIGChange(uuid: "GPU-a", steps: steps))
        return try #require(reading.value, "\(reading)")
    }

    private func offer(_ id: Int, _ name: String) -> MIGOffer {
        MIGOffer(id: id, name: name, slices: 1, instances: 1, placements: .absent)
    }

    @Test func whatAGPUHasAndCanHave() async throws {
        let devices = [
            "mig 0 uuid=MIG-a profile=1c.3g.20gb gi=2 ci=0 profileId=9 start=4 size=4 ciProfileId=0 ciSlices=1",
            "mig 0 uuid=MIG-b profile=2c.3g.20gb gi=2 ci=1 profileId=9 start=4 size=4 ciProfileId=1 ciSlices=2",
            "mig 0 uuid=MIG-c profile=1g.5gb gi=9 ci=0 profileId=19 start=0 size=1 ciSlices=1",
        ]
        try await StandInHost.with(hardware: Self.a100("mig=on", devices[0], devices[1], devices[2])) { host in
            let gpu = try await gpu(host)
            #expect(gpu.pciID == 0x20B0_10DE && gpu.subsystemID == 0x134F_10DE)
            #expect(gpu.mode == .present(MIGMode(current: true, pending: true)))
            let offers = try #require(gpu.offers.value)
            #expect(offers.map(\.name) == ["1g.5gb", "2g.10gb", "3g.20gb", "4g.20gb", "7g.40gb", "1g.5gb+me"])
            #expect(offers[1].placements == .present([0, 2, 4].map { MIGSpan(start: $0, size: 2) }))
            #expect(offers[4].engines == MIGEngines(decoders: 5, jpeg: 1, opticalFlow: 1))
            #expect(
                gpu.instances
                    == .present([
                        MIGGPUInstance(
                            id: 9,
                            profileID: 19,
                            placement: MIGSpan(start: 0, size: 1),
                            computeInstances: [MIGComputeInstance(id: 0, slices: 1)]
                        ),
                        MIGGPUInstance(
                            id: 2,
                            profileID: 9,
                            placement: MIGSpan(start: 4, size: 4),
                            computeInstances: [
                                MIGComputeInstance(id: 0, slices: 1), MIGComputeInstance(id: 1, slices: 2),
                            ]
                        ),
                    ])
            )
            #expect(host.isTidy)
        }
    }

    @Test func modeInstancesAndDevices() async throws {
        try await StandInHost.with(hardware: Self.a100("mig=off")) { host in
            #expect(try await gpu(host).offers.value?.first?.placements == .absentBecause("MIG mode is off"))
            let made = try await make(
                host,
                .setMode(true),
                .create(offer(9, "3g.20gb"), at: MIGSpan(start: 4, size: 4), compute: [2, 1]),
                .create(offer(20, "1g.5gb+me"), at: MIGSpan(start: 0, size: 1), compute: [1])
            )
            #expect(made == MIGChangeResult(done: 3))
            let gpu = try await gpu(host)
            #expect(gpu.mode.value?.current == true)
            #expect(gpu.instances.value?.map(\.profileID) == [20, 9])
            let facts = await host.prober().facts()
            let devices = try #require(facts.nvml.value?.gpus.first?.migDevices.value)
            #expect(devices.map(\.profile).sorted() == ["1c.3g.20gb", "1g.5gb+me", "2c.3g.20gb"])

            let large = try #require(gpu.instances.value?.last)
            let removed = try await make(
                host,
                .destroyCompute(0, in: large.id),
                .destroyCompute(1, in: large.id),
                .destroy(large, profile: "3g.20gb")
            )
            #expect(removed == MIGChangeResult(done: 3))
            #expect(try await self.gpu(host).instances.value?.map(\.profileID) == [20])
        }
    }

    /// An answer of the driver that stops a change: the step that failed, and the code.
    struct Refusal: Sendable {
        var hardware: String
        var step: MIGStep
        var failure: String
        var code: Int?
    }

    static let refusals = [
        Refusal(
            hardware: a100("mig=on", "fault nvmlDeviceSetMigMode code=4"),
            step: .setMode(false),
            failure: "nvmlDeviceSetMigMode: 4 NVML_ERROR_NO_PERMISSION",
            code: 4
        ),
        Refusal(
            hardware: a100(
                "mig=on",
                "mig 0 uuid=MIG-a profile=3g.20gb gi=2 ci=0 profileId=9 start=4 size=4 ciProfileId=2 ciSlices=3",
                "process 0 pid=77 gi=2 ci=0"
            ),
            step: .destroyCompute(0, in: 2),
            failure: "nvmlComputeInstanceDestroy: 19 NVML_ERROR_IN_USE",
            code: 19
        ),
        Refusal(
            hardware: a100(),
            step: .create(
                MIGOffer(id: 9, name: "3g.20gb", slices: 3, instances: 2, placements: .absent),
                at: MIGSpan(start: 2, size: 4),
                compute: [3]
            ),
            failure: "nvmlDeviceCreateGpuInstanceWithPlacement: 2 NVML_ERROR_INVALID_ARGUMENT",
            code: 2
        ),
        Refusal(
            hardware: a100(
                "mig=on",
                "mig 0 uuid=MIG-a profile=1g.5gb gi=2 ci=0 profileId=19 start=5 size=1 ciSlices=1"
            ),
            step: .create(
                MIGOffer(id: 9, name: "3g.20gb", slices: 3, instances: 2, placements: .absent),
                at: MIGSpan(start: 4, size: 4),
                compute: [3]
            ),
            failure: "nvmlDeviceCreateGpuInstanceWithPlacement: 23 NVML_ERROR_INSUFFICIENT_RESOURCES",
            code: 23
        ),
        // The instance that is there is not the one that the agent read.
        Refusal(
            hardware: a100(
                "mig=on",
                "mig 0 uuid=MIG-a profile=1g.5gb gi=2 ci=0 profileId=19 start=5 size=1 ciSlices=1"
            ),
            step: .destroy(
                MIGGPUInstance(id: 2, profileID: 9, placement: MIGSpan(start: 4, size: 4), computeInstances: []),
                profile: nil
            ),
            failure: "nvmlGpuInstanceGetInfo: 'the GPU instance 2 is another one now'"
        ),
    ]

    @Test(arguments: refusals.indices) func theDriverRefuses(_ index: Int) async throws {
        let refusal = Self.refusals[index]
        try await StandInHost.with(hardware: refusal.hardware) { host in
            let result = try await make(host, refusal.step)
            #expect(result == MIGChangeResult(done: 0, failure: refusal.failure, code: refusal.code))
        }
    }

    /// In a vGPU, no function is called that could change its MIG.
    @Test func aVGPUIsNeverChanged() async throws {
        let calls = ["SetMigMode", "CreateGpuInstanceWithPlacement"].map { "fault nvmlDevice\($0) crash" }
        let destroy = "fault nvmlComputeInstanceDestroy crash"
        let mig = "mig 0 uuid=MIG-a profile=7g.40gb gi=0 ci=0 profileId=0 start=0 size=8 ciProfileId=4 ciSlices=7"
        let hardware = Self.a100("mig=on virtualization=vgpu", mig, calls[0], calls[1], destroy)
        try await StandInHost.with(hardware: hardware) { host in
            for step in [MIGStep.setMode(false), .destroyCompute(0, in: 0)] {
                let result = try await make(host, step)
                #expect(result == MIGChangeResult(done: 0, failure: "the GPU is a vGPU"))
            }
            let symbol = "nvmlDeviceGetGpuInstances: 4 NVML_ERROR_NO_PERMISSION"
            let instances = try await gpu(host).instances
            #expect(instances == .absentBecause(symbol))
        }
    }

    @Test(arguments: [("trait.migNeedsReset=on", nil as String?, 16), ("", "process 0 pid=77", 19)])
    func aModeThatWaits(_ words: String, _ line: String?, _ code: Int) async throws {
        try await StandInHost.with(hardware: Self.a100("mig=off \(words)", line ?? "")) { host in
            let result = try await make(host, .setMode(true))
            #expect(result == MIGChangeResult(done: 1, pending: code))
            let mode = try await gpu(host).mode
            #expect(mode == .present(MIGMode(current: false, pending: true)))
        }
    }

    @Test func aChangeThatHangsIsKilled() async throws {
        try await StandInHost.with(hardware: Self.a100("mig=on", "fault nvmlDeviceSetMigMode hang")) { host in
            host.deadlines.migChange = .milliseconds(700)
            let reading = await host.prober().make(MIGChange(uuid: "GPU-a", steps: [.setMode(false)]))
            #expect(reading.failure?.reason == .hang)
            #expect(reading.failure?.detail.contains("nvmlDeviceSetMigMode for GPU 0 did not return") == true)
            #expect(host.isTidy)
        }
    }

    @Test func anImpossibleCountIsRefused() async throws {
        let hardware = Self.a100("mig=on", "fault nvmlDeviceGetGpuInstances count=4000000000")
        try await StandInHost.with(hardware: hardware) { host in
            let instances = try await gpu(host).instances
            #expect(instances.failure?.reason == .malformed)
        }
    }

    @Test func aGPUThatDoesNotAnswerHidesNoOther() async throws {
        let other =
            "gpu 1 uuid=GPU-b name=\"NVIDIA A100\" pci=00000000:18:00.0 id=10de20b0 memoryMiB=40960 cc=8.0 mig=off"
        let lost = "fault nvmlDeviceGetHandleByIndex_v2 code=15 gpu=1"
        try await StandInHost.with(hardware: Self.a100("mig=on", other, lost)) { host in
            let inventory = try #require(await host.prober().migInventory().value)
            #expect(inventory.gpus.map(\.index) == [0] && inventory.unreadable.map(\.index) == [1])
            #expect(inventory.unreadable.first?.failure.detail.contains("15 NVML_ERROR_GPU_IS_LOST") == true)
        }
    }

    /// A driver of branch 470 does not tell the names of its profiles, which follow from their sizes.
    @Test func anOldDriver() async throws {
        let device = "mig 0 uuid=MIG-c profile=1g.5gb gi=9 ci=0 profileId=19 start=0 size=1 ciSlices=1"
        let hardware = Self.a100("mig=on", device)
        try await StandInHost.with(hardware: hardware, version: "470.256.02", loaded: "470.256.02") { host in
            let gpu = try await gpu(host)
            let offers = try #require(gpu.offers.value)
            #expect(offers.map(\.name) == ["1g.5gb", "2g.10gb", "3g.20gb", "4g.20gb", "7g.40gb", "1g.5gb+me"])
            #expect(offers.map(\.id) == [19, 14, 9, 5, 0, 20])
            #expect(offers[4].engines == MIGEngines(decoders: 5, jpeg: 1, opticalFlow: 1))
            #expect(gpu.instances.value?.map(\.profileID) == [19])
        }
    }
}
