import MIG
import NodeModel
import Support
import Testing

@Suite struct MIGNodePlanTests {
    private func plan(_ gpu: MIGGPU, _ target: MIGTarget) -> MIGNodePlan {
        MIGNodePlan("x", [gpu.index: target], [], MIGInventory(gpus: [gpu]))
    }

    private func vgpu(_ devices: [String]) -> MIGGPU {
        var gpu = GPUModels.gpu(GPUModels.rtxPro6000)
        gpu.virtualization = .present(.vgpu)
        gpu.instances = .absentBecause("nvmlDeviceGetGpuInstances: 4 NVML_ERROR_NO_PERMISSION")
        gpu.devices = .present(devices)
        return gpu
    }

    /// The guest of a vGPU can check its layout, and there is never a step.
    @Test func aVGPUIsChecked() {
        #expect(plan(vgpu(["4g.96gb"]), GPUModels.target(["4g.96gb": 1])).matches)
        for target in [GPUModels.target(["2g.48gb": 2]), MIGTarget(isEnabled: false), MIGTarget(isEnabled: true)] {
            let plan = plan(vgpu(["4g.96gb"]), target)
            #expect(plan.gpus[0].steps.isEmpty && !plan.canBegin)
            guard case .refused(let why) = plan.gpus[0].outcome else {
                Issue.record("\(plan.gpus[0].outcome)")
                continue
            }
            #expect(why.contains("Only the vGPU host can change") && why.contains("Insufficient Permissions"))
        }
    }

    @Test func aGPUThatMayBeAVGPUIsNotChanged() {
        var gpu = GPUModels.gpu(GPUModels.a100)
        gpu.virtualization = .unreadable(
            ReadFailure(.vendor, "nvmlDeviceGetVirtualizationMode: 999 NVML_ERROR_UNKNOWN")
        )
        #expect(
            plan(gpu, GPUModels.target(["7g.40gb": 1])).gpus[0].outcome
                == .refused(
                    "whether it is a vGPU is not known: nvmlDeviceGetVirtualizationMode: 999 NVML_ERROR_UNKNOWN"
                )
        )
    }

    private func outcome(_ users: Reading<[DeviceUser]>, minor: Reading<Int> = .present(0), listed: [Int] = [])
        -> MIGGPUPlan.Outcome
    {
        var gpu = GPUModels.gpu(GPUModels.a100)
        gpu.minor = minor
        gpu.processes = .present(
            GPUProcesses(
                count: listed.count,
                list: listed.map { GPUProcess(pid: $0, kind: .compute, memoryMiB: nil) }
            )
        )
        var plan = plan(gpu, GPUModels.target(["7g.40gb": 1]))
        plan.refuse(users)
        return plan.gpus[0].outcome
    }

    @Test func aGPUInUseIsNotChanged() {
        let python = DeviceUser(pid: 71, command: "python3", nodes: ["nvidia0", "nvidiactl"], pod: "ml/train-0")
        let other = DeviceUser(pid: 72, command: "other", nodes: ["nvidia1", "nvidiactl"])
        let service = DeviceUser(
            pid: 73,
            command: "nvidia-persiste",
            nodes: ["nvidia0"],
            unit: "nvidia-persistenced.service"
        )
        #expect(outcome(.present([python, other, service])) == .inUse([python]))
        #expect(outcome(.present([python, other]), minor: .absent) == .inUse([python, other]))
        #expect(outcome(.present([other]), listed: [72]) == .inUse([other]))
        #expect(outcome(.present([]), listed: [99]) == .inUse([DeviceUser(pid: 99, command: "unknown", nodes: [])]))
        guard case .change = outcome(.present([other, service])) else {
            Issue.record("a service of the driver and a user of another GPU are not in the way")
            return
        }
        #expect(
            outcome(.unreadable(ReadFailure(.permission, "/proc hides the processes of other users (hidepid)")))
                == .refused(
                    "the agent cannot tell which processes use the GPU: /proc hides the processes of other users "
                        + "(hidepid)"
                )
        )
    }

    /// The daemon makes a layout again only where nobody has made one.
    @Test func aGPUWithMIGDevicesIsNotRestored() {
        func outcome(_ compute: [MIGComputeInstance]) -> MIGGPUPlan.Outcome {
            let place = MIGSpan(start: 0, size: 1)
            let instance = MIGGPUInstance(id: 1, profileID: 19, placement: place, computeInstances: compute)
            let gpu = GPUModels.gpu(GPUModels.a100, instances: [instance])
            var plan = plan(gpu, GPUModels.target(["7g.40gb": 1]))
            plan.refuseWithDevices()
            return plan.gpus[0].outcome
        }
        #expect(outcome([MIGComputeInstance(id: 0, slices: 1)]) == .refused("somebody has made MIG devices on it"))
        guard case .change = outcome([]) else {
            Issue.record("a GPU instance without a compute instance is no MIG device")
            return
        }
    }

    @Test func aGPUThatDoesNotAnswerIsAProblem() throws {
        let lost = MIGInventory.UnreadableGPU(
            index: 1,
            failure: ReadFailure(.vendor, "nvmlDeviceGetHandleByIndex_v2: 15 NVML_ERROR_GPU_IS_LOST")
        )
        let inventory = MIGInventory(gpus: [GPUModels.gpu(GPUModels.a100)], unreadable: [lost])
        let place = try MIGConfigFileTests.entries("all-disabled")
        let plan = MIGNodePlan("all-disabled", place, inventory)
        #expect(
            plan.problems == ["GPU 1 does not answer: nvmlDeviceGetHandleByIndex_v2: 15 NVML_ERROR_GPU_IS_LOST"]
        )
        #expect(!plan.canBegin && !plan.isPossible && !plan.matches)
    }
}
