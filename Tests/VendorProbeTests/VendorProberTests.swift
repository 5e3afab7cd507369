import FoundationEssentials
import Glibc
import NodeModel
import Synchronization
import Testing

@testable import VendorProbe

/// The real child process with the stand-in libraries, on hosts without faults.
@Suite struct VendorProberTests {
    @Test func readsAVirtualGPUWithItsMIGDevice() async throws {
        let facts = try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            let facts = await host.prober().facts()
            #expect(host.isTidy)
            return facts
        }
        let mig = "MIG-0b5e2c7a-0000-5d1f-8e3b-000000000000"
        let read = try #require(facts.nvml.value?.gpus.first)
        let gpu = GPUFacts(
            index: 0,
            pciAddress: .present(PCIAddress(domain: 1, bus: 0, device: 0, function: 0)),
            uuid: .present("GPU-6f1c8d3e-0000-4a2b-9c7d-000000000000"),
            name: .present("NVIDIA RTX Pro 6000 Blackwell DC-4-96Q"),
            memoryMiB: .present(98304),
            computeCapability: .present(ComputeCapability(major: 12, minor: 0)),
            migMode: .present(MIGMode(current: true, pending: true)),
            migDevices: .present([
                MIGDevice(
                    uuid: mig,
                    profile: "4g.96gb",
                    memoryMiB: 95616,
                    gpuInstanceID: 0,
                    computeInstanceID: 0,
                    attributes: .present(
                        MIGAttributes(
                            multiprocessors: 188,
                            gpuInstanceSlices: 4,
                            computeInstanceSlices: 4,
                            copyEngines: 4,
                            decoders: 4,
                            encoders: 4,
                            jpegEngines: 3,
                            opticalFlowEngines: 1,
                            memoryMiB: 95616
                        )
                    ),
                    gpuInstance: .present(MIGInstance(profileID: 0, start: 0, size: 0)),
                    computeInstance: .present(MIGInstance(profileID: 0, start: 0, size: 0))
                )
            ]),
            migProfiles: .absentBecause("nvmlDeviceGetGpuInstanceProfileInfoV: 3 NVML_ERROR_NOT_SUPPORTED"),
            virtualization: .present(.vgpu),
            // Other suites test the features of the license, and what only describes a GPU.
            license: .present(
                LicenseFacts(
                    licensed: true,
                    product: "NVIDIA RTX Virtual Workstation",
                    features: read.license.value?.features
                )
            ),
            nvlink: read.nvlink,
            fabric: read.fabric,
            processes: read.processes,
            traits: read.traits
        )
        let nvml = NVMLFacts(
            driverVersion: "580.105.08",
            nvmlVersion: "13.580.105.08",
            cudaVersion: .present("13.0"),
            driverBranch: .present("r580_00"),
            confidentialComputing: .absentBecause("nvmlSystemGetConfComputeSettings: 3 NVML_ERROR_NOT_SUPPORTED"),
            gpus: [gpu]
        )
        let cuda = CUDAFacts(
            visibleDevices: mig,
            result: 0,
            errorName: nil,
            deviceCount: 1,
            computation: .present(CUDAComputation())
        )
        let peers: Reading<CUDAPeerFacts> = .skipped("peer access needs two GPUs that are not in MIG mode")
        #expect(facts == VendorFacts(nvml: .present(nvml), cuda: .present([cuda]), peers: peers))
    }

    @Test func aCallThatTheDriverDoesNotSupportIsAbsent() async throws {
        let hardware =
            StandInHost.twoH100 + """
                fault nvmlSystemGetCudaDriverVersion_v2 code=3
                fault nvmlDeviceGetCudaComputeCapability code=3

                """
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        let nvml = try #require(facts.nvml.value)
        let why = "nvmlSystemGetCudaDriverVersion_v2: 3 NVML_ERROR_NOT_SUPPORTED"
        #expect(nvml.cudaVersion == .absentBecause(why))
        #expect(nvml.gpus.count == 2 && nvml.gpus.allSatisfy { $0.computeCapability.isAbsent && $0.faults.isEmpty })
        #expect(facts.cuda.value?.map(\.result) == [0, 0])
    }

    @Test func readsTwoWholeGPUs() async throws {
        let facts = try await StandInHost.with(hardware: StandInHost.twoH100) { await $0.prober().facts() }
        let gpus = try #require(facts.nvml.value?.gpus)
        #expect(gpus.map(\.pciAddress.value?.description) == ["0001:00:00.0", "10002:0a:1f.0"])
        #expect(gpus.map(\.migMode.value?.pending) == [false, true])
        #expect(gpus.allSatisfy { $0.migDevices == .absent && $0.license == .absent })
        #expect(gpus.map(\.virtualization) == [.present(.passthrough), .present(.passthrough)])
        let cuda = try #require(facts.cuda.value)
        #expect(cuda.map(\.visibleDevices) == gpus.map(\.uuid.value))
        #expect(cuda.allSatisfy { $0.works && $0.deviceCount == 1 && $0.computation == .present(CUDAComputation()) })
    }

    @Test func asksCUDAOnceForEachMIGDevice() async throws {
        let hardware =
            StandInHost.twoH100.replacing("mig=off pendingMig=on", with: "mig=on") + """
                mig 1 uuid=MIG-a profile=1g.12gb+me memoryMiB=11008 gi=7 ci=0 index=1
                mig 1 uuid=MIG-b profile=1c.3g.47gb memoryMiB=47616 gi=2 ci=1 index=4
                """
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        let gpus = try #require(facts.nvml.value?.gpus)
        #expect(gpus[0].migDevices == .absent)
        let devices = try #require(gpus[1].migDevices.value)
        #expect(devices.map(\.profile) == ["1g.12gb+me", "1c.3g.47gb"])
        #expect(devices.map(\.gpuInstanceID) == [7, 2])
        #expect(devices.map(\.computeInstanceID) == [0, 1])
        let cuda = try #require(facts.cuda.value)
        #expect(cuda.map(\.visibleDevices) == ["GPU-00000000-0000-0000-0000-00000000000a", "MIG-a", "MIG-b"])
        #expect(cuda.allSatisfy { $0.result == 0 && $0.deviceCount == 1 })
    }

    /// Two GPUs with seven MIG devices each.
    private static let fourteenDevices =
        StandInHost.twoH100.replacing("mig=off pendingMig=on", with: "mig=on").replacing("mig=off", with: "mig=on")
        + (0..<14).map { number in
            "mig \(number / 7) uuid=MIG-\(number) profile=1g.12gb memoryMiB=11008 gi=\(number % 7 + 7) ci=0\n"
        }
        .joined()

    @Test func asksCUDAOnManyMIGDevicesSideBySide() async throws {
        try await StandInHost.with(hardware: Self.fourteenDevices + "fault cuInit sleep=4000\n") { host in
            let begin = ContinuousClock.now
            let cuda = try #require(await host.prober().facts().cuda.value)
            #expect(cuda.map(\.visibleDevices) == (0..<14).map { "MIG-\($0)" })
            #expect(cuda.allSatisfy { $0.result == 0 && $0.deviceCount == 1 })
            // One after another they take 56 seconds.
            #expect(begin.duration(to: .now) < .seconds(50))
        }
    }

    @Test func allMIGDevicesShareOneDeadline() async throws {
        try await StandInHost.with(hardware: Self.fourteenDevices + "fault cuInit hang\n") { host in
            host.deadlines.cudaComputation = .seconds(4)
            let begin = ContinuousClock.now
            #expect(await host.prober().facts().cuda.failure?.reason == .hang)
            // One deadline after another takes 56 seconds.
            #expect(begin.duration(to: .now) < .seconds(50))
            #expect(host.isTidy)
        }
    }

    @Test func saysWhichCallItWaitsFor() async throws {
        let calls = Mutex([String]())
        try await StandInHost.with(hardware: StandInHost.twoH100) { host in
            let prober = VendorProber(
                program: Toolbox.agent,
                libraries: VendorLibraries(nvml: host.nvml, cuda: host.cuda),
                companions: [],
                scratch: host.root,
                progress: { subject, call in calls.withLock { $0.append("\(subject): \(call)") } }
            )
            _ = await prober.facts()
        }
        let said = calls.withLock { $0 }
        #expect(said.first == "NVML: nvmlInit_v2")
        #expect(said.contains("CUDA on GPU-00000000-0000-0000-0000-00000000000b: cuLaunchKernel"))
        #expect(said.contains("NVML: nvmlDeviceGetName for GPU 1"))
    }

    @Test func showsNoMIGDeviceWhereNoneIsCarvedOut() async throws {
        let hardware = StandInHost.twoH100.replacing("mig=off", with: "mig=on")
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        #expect(facts.nvml.value?.gpus.map(\.migDevices) == [.present([]), .present([])])
        #expect(facts.cuda.value?.map(\.result) == [100])
    }

    @Test func aGPUWithMIGOnCannotBeNamedToCUDA() async throws {
        let reading: Reading<CUDAFacts> = try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            let exchange = VendorExchange(
                program: Toolbox.agent,
                arguments: ["vendor-probe", "--cuda", host.cuda],
                environment: ["CUDA_VISIBLE_DEVICES=GPU-6f1c8d3e-0000-4a2b-9c7d-000000000000"],
                deadlines: host.deadlines,
                cancellation: try Cancellation()
            )
            return exchange.ask(.cuda, about: "CUDA", within: .seconds(30))
        }
        let cuda = CUDAFacts(
            visibleDevices: "GPU-6f1c8d3e-0000-4a2b-9c7d-000000000000",
            result: 100,
            errorName: "CUDA_ERROR_NO_DEVICE",
            failedCall: "cuInit",
            deviceCount: 0
        )
        #expect(reading == .present(cuda))
    }

    @Test func aMissingLicenseIsReadAndDoesNotKeepCUDAFromStarting() async throws {
        let hardware = StandInHost.vgpu.replacing("license=licensed", with: "license=unlicensed")
        let facts = try await StandInHost.with(hardware: hardware) { await $0.prober().facts() }
        let license = facts.nvml.value?.gpus.first?.license.value
        #expect(license?.licensed == false && license?.product == "NVIDIA RTX Virtual Workstation")
        #expect(facts.cuda.value?.map(\.result) == [0])
    }

    @Test func anOldDriverIsReadThroughItsOlderFunctions() async throws {
        let facts = try await StandInHost.with(
            hardware: StandInHost.vgpu,
            version: "470.256.02",
            loaded: "470.256.02",
            defines: "-DSTANDIN_OLD"
        ) { await $0.prober().facts() }
        let gpu = try #require(facts.nvml.value?.gpus.first)
        #expect(gpu.memoryMiB == .present(98304))
        #expect(gpu.license.value?.licensed == true)
    }

    @Test func opensLibrariesThroughTheRootOfAnotherProcess() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            // As the agent's pod reaches the host.
            let root = "/proc/\(getpid())/root"
            let libraries = VendorLibraries(nvml: root + host.nvml, cuda: root + host.cuda)
            let facts = await host.prober(libraries: libraries).facts()
            #expect(facts.nvml.value?.gpus.count == 1)
            #expect(facts.cuda.value?.map(\.deviceCount) == [1])
        }
    }

    @Test func theNextProbeUsesTheLibrariesOfANewDriver() async throws {
        let new = try await StandIns.shared.directory(version: "595.91.07", defines: "")
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            let prober = host.prober()
            #expect(await prober.facts().nvml.value?.driverVersion == "580.105.08")
            for (from, to) in [("libnvidia-ml", host.nvml), ("libcuda", host.cuda)] {
                try FileManager.default.removeItem(atPath: to)
                try FileManager.default.copyItem(atPath: "\(new)/\(from).so.595.91.07", toPath: to)
            }
            try Toolbox.write("595.91.07\n", to: "\(host.root)/sys/module/nvidia/version")
            let facts = await prober.facts()
            #expect(facts.nvml.value?.driverVersion == "595.91.07")
            #expect(facts.nvml.value?.cudaVersion == .present("13.2"))
            #expect(facts.cuda.value?.map(\.result) == [0])
        }
    }

    @Test func aLibraryFindsItsCompanionsInThePrivateDirectoryOnly() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            // A libcuda that cannot be loaded without another library of its driver, as the real one needs its own.
            let driver = "\(Toolbox.repository)/simulator/driver"
            let companion = "\(host.root)/usr/lib/libnvidia-companion.so.580.105.08"
            try Toolbox.write("int companion(void); int companion(void) { return 0; }", to: "\(host.root)/c.c")
            let options = ["-shared", "-fPIC", "-Wl,--no-as-needed", "-DSTANDIN_VERSION=\"580.105.08\""]
            try await Toolbox.run(
                "gcc",
                options + ["-Wl,-soname,libnvidia-companion.so.1", "-o", companion, "\(host.root)/c.c"]
            )
            try await Toolbox.run("gcc", options + ["-o", host.cuda, "\(driver)/libcuda.c", companion])

            let alone = await host.prober().facts()
            #expect(alone.cuda.failure?.reason == .library)
            #expect(alone.cuda.failure?.detail.contains("libnvidia-companion.so.1") == true)

            let link = DriverLibrary(name: "libnvidia-companion.so.1", path: companion)
            let together = await host.prober(companions: [link]).facts()
            #expect(together.cuda.value?.map(\.result) == [0])
            #expect(host.isTidy)
        }
    }

    @Test func whatALibraryPrintsDoesNotGetAmongTheAnswers() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            let source = """
                #include "\(Toolbox.repository)/simulator/driver/libnvidia-ml.c"
                __attribute__((constructor)) static void talk(void) { puts("{\\"id\\":2}"); fflush(stdout); }
                """
            try Toolbox.write(source, to: "\(host.root)/talk.c")
            let options = ["-shared", "-fPIC", "-DSTANDIN_VERSION=\"580.105.08\"", "-o", host.nvml]
            try await Toolbox.run("gcc", options + ["\(host.root)/talk.c"])
            #expect(await host.prober().facts().nvml.value?.driverVersion == "580.105.08")
        }
    }
}
