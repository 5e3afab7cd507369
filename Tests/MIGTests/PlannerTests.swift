import MIG
import NodeModel
import Testing

@Suite struct MIGPlannerTests {
    private func instance(_ id: Int, _ profile: Int, _ start: Int, _ size: Int, _ compute: [Int]) -> MIGGPUInstance {
        MIGGPUInstance(
            id: id,
            profileID: profile,
            placement: MIGSpan(start: start, size: size),
            computeInstances: compute.enumerated().map { MIGComputeInstance(id: $0.offset, slices: $0.element) }
        )
    }

    private func steps(_ plan: MIGGPUPlan) -> [String] { plan.steps.map(\.text) }

    @Test func aGPUThatHasTheLayoutNeedsNoStep() {
        let gpu = GPUModels.gpu(GPUModels.a100, instances: [instance(1, 9, 4, 4, [3]), instance(2, 19, 0, 1, [1])])
        #expect(MIGPlanner.plan(gpu, GPUModels.target(["1g.5gb": 1, "3g.20gb": 1])).outcome == .matches)
    }

    @Test func instancesInTheWayAreMoved() {
        // 4g.20gb has only the place 0:4, where 1g.5gb is.
        let gpu = GPUModels.gpu(GPUModels.a100, instances: [instance(7, 19, 0, 1, [1]), instance(2, 9, 4, 4, [3])])
        let plan = MIGPlanner.plan(gpu, GPUModels.target(["4g.20gb": 1, "3g.20gb": 1]))
        #expect(
            steps(plan) == [
                "remove the compute instance 0 of the GPU instance 7", "remove the GPU instance 7 (1g.5gb at 0:1)",
                "create the GPU instance 4g.20gb at 0:4 with the compute instance 4c",
            ]
        )
        #expect(plan.kept == [2])
    }

    @Test func devicesShareAGPUInstance() {
        let plan = MIGPlanner.plan(GPUModels.gpu(GPUModels.a100), GPUModels.target(["1c.3g.20gb": 4, "2c.3g.20gb": 1]))
        #expect(
            steps(plan) == [
                "create the GPU instance 3g.20gb at 0:4 with the compute instances 2c, 1c",
                "create the GPU instance 3g.20gb at 4:4 with the compute instances 1c, 1c, 1c",
            ]
        )
    }

    @Test func computeInstancesOfAKeptInstanceAreReplaced() {
        let gpu = GPUModels.gpu(GPUModels.a100, instances: [instance(1, 9, 0, 4, [3])])
        let plan = MIGPlanner.plan(gpu, GPUModels.target(["1c.3g.20gb": 3]))
        #expect(
            steps(plan) == [
                "remove the compute instance 0 of the GPU instance 1",
                "create the compute instances 1c, 1c, 1c in the GPU instance 1",
            ]
        )
        #expect(plan.kept == [1])
    }

    @Test func anInstanceWithoutAComputeInstanceIsNoDevice() {
        let gpu = GPUModels.gpu(GPUModels.a100, instances: [instance(1, 9, 0, 4, [])])
        let plan = MIGPlanner.plan(gpu, GPUModels.target(["3g.20gb": 1]))
        #expect(steps(plan) == ["create the compute instance 3c in the GPU instance 1"])
    }

    @Test func turningOffRemovesTheInstancesFirst() {
        let gpu = GPUModels.gpu(GPUModels.a100, instances: [instance(1, 9, 0, 4, [2, 1])])
        #expect(
            steps(MIGPlanner.plan(gpu, MIGTarget(isEnabled: false))) == [
                "remove the compute instance 0 of the GPU instance 1",
                "remove the compute instance 1 of the GPU instance 1",
                "remove the GPU instance 1 (3g.20gb at 0:4)", "turn MIG mode off",
            ]
        )
    }

    /// The modes that wait for a reset.
    @Test func aPendingMode() {
        func outcome(_ current: Bool, _ pending: Bool, _ target: MIGTarget) -> MIGGPUPlan.Outcome {
            let mode = MIGMode(current: current, pending: pending)
            return MIGPlanner.plan(GPUModels.gpu(GPUModels.a100, mode: mode), target).outcome
        }
        let on = GPUModels.target(["3g.20gb": 1])
        let empty = MIGTarget(isEnabled: true)
        let off = MIGTarget(isEnabled: false)
        #expect(outcome(false, true, on) == .reset)
        #expect(outcome(false, true, off) == .change([.setMode(false)]))
        #expect(outcome(true, false, off) == .reset)
        #expect(outcome(true, false, empty) == .change([.setMode(true)]))
        #expect(outcome(false, false, off) == .matches)
        #expect(outcome(false, false, on) == .turnOn([.setMode(true)]))
    }

    @Test func sayWhyALayoutIsNotPossible() {
        func why(_ offers: [MIGOffer], _ target: KeyValuePairs<String, Int>) -> String {
            guard case .impossible(let why) = MIGPlanner.plan(GPUModels.gpu(offers), GPUModels.target(target)).outcome
            else { return "possible" }
            return why
        }
        #expect(
            why(GPUModels.a100, ["3g.20gb": 2, "1g.5gb": 1])
                == "the GPU instances do not fit together: 2 × 3g.20gb, 1g.5gb. With 2 × 3g.20gb, there is no place for 1g.5gb"
        )
        #expect(
            why(GPUModels.a100, ["1g.10gb": 5])
                == "the layout needs 5, but the GPU has room for at most 4 GPU instances 1g.10gb"
        )
        #expect(
            why(GPUModels.a100, ["1g.24gb": 1]).hasPrefix("the GPU has no profile 1g.24gb; it has 1g.5gb, 1g.5gb+me")
        )
        #expect(
            why(GPUModels.rtxPro6000, ["1g.24gb+me.all": 1, "1g.24gb": 1])
                == "the layout needs 5 decoders of 4, 5 encoders of 4, 5 JPEG engines of 4"
        )
        #expect(why(GPUModels.rtxPro6000, ["1g.24gb+me.all": 1, "1g.24gb-me": 3]) == "possible")
    }

    @Test func whatIsNotKnownIsNotChanged() {
        var gpu = GPUModels.gpu(GPUModels.a100)
        gpu.instances = .unreadable(ReadFailure(.vendor, "nvmlDeviceGetGpuInstances: 4 NVML_ERROR_NO_PERMISSION"))
        guard case .refused(let why) = MIGPlanner.plan(gpu, MIGTarget(isEnabled: false)).outcome else {
            Issue.record("not refused")
            return
        }
        #expect(why == "its GPU instances are not known: nvmlDeviceGetGpuInstances: 4 NVML_ERROR_NO_PERMISSION")
    }

    /// An answer with more places than a GPU has ends the search, and is no proof.
    @Test func aSearchWithoutEndIsRefused() {
        let places = (0..<60).map { MIGSpan(start: $0, size: 1) }
        let offers = ["1g.5gb", "1g.6gb"].enumerated().map {
            MIGOffer(id: $0.offset, name: $0.element, slices: 1, instances: 64, placements: .present(places))
        }
        let plan = MIGPlanner.plan(GPUModels.gpu(offers), GPUModels.target(["1g.5gb": 31, "1g.6gb": 30]))
        #expect(plan.outcome == .refused("NVML reports more places for instances than can be tried"))
    }
}
