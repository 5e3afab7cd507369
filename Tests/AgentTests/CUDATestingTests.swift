import NodeModel
import Support
import TestSupport
import Testing

@testable import Agent

@Suite struct CUDATestingTests {
    private static let driver = "580.105.08"
    private static let monitor = DeviceUser(pid: 5, command: "nv-hostengine", nodes: ["nvidia0", "nvidiactl"])
    private static let training = DeviceUser(
        pid: 7,
        command: "python3",
        nodes: ["nvidia-uvm", "nvidia0", "nvidiactl"],
        pod: "ml/train-0"
    )
    private static let service = DeviceUser(
        pid: 8,
        command: "nvidia-persiste",
        nodes: ["nvidia-modeset", "nvidia0"],
        unit: "nvidia-persistenced.service"
    )
    private static let viewer = DeviceUser(pid: 9, command: "Xorg", nodes: ["nvidia-modeset", "nvidia0"])

    @Test(
        arguments: [
            (.present([]), .full), (.absent, .full), (.present([monitor]), .full),
            (.present([monitor, training]), .light("python3 (7, pod ml/train-0) uses the GPU")),
            (.present([service]), .full),
            (.present([viewer]), .light("Xorg (9) uses the GPU")),
            (
                .unreadable(ReadFailure(.permission, "/proc: denied")),
                .light("the agent cannot tell whether a process uses the GPU: /proc: denied")
            ),
        ] as [(Reading<[DeviceUser]>, CUDATest)]
    )
    func aGPUThatIsInUseIsNotDisturbed(users: Reading<[DeviceUser]>, expected: CUDATest) {
        let test = CUDATesting(level: .full).test(nil, "GPU-1", driver: Self.driver, users: users)
        #expect(test == expected)
    }

    /// A process uses the GPUs whose device nodes it has open.
    @Test(arguments: [(0, false), (1, true)])
    func anotherGPURunsAKernel(minor: Int, isFree: Bool) {
        var gpu = GPUFacts.h100
        gpu.traits[.minorNumber] = .present(.number(minor))
        let test = CUDATesting(level: .full).test(gpu, "GPU-1", driver: Self.driver, users: .present([Self.training]))
        #expect((test == .full) == isFree)
    }

    @Test func aCommandThatOnlyReadsRunsNoKernel() {
        let test = CUDATesting(level: .light).test(nil, "GPU-1", driver: Self.driver, users: .present([]))
        #expect(test == .light("'gpu-agent validate' runs one"))
    }

    @Test func eachDeviceRunsAKernelOnce() {
        let testing = CUDATesting(level: .full)
        func next(_ driver: String = Self.driver) -> CUDATest {
            testing.test(nil, "GPU-1", driver: driver, users: .present([]))
        }
        func remember(_ facts: CUDAFacts) {
            testing.remember(
                VendorFacts(nvml: .absent, cuda: .present([facts])),
                driver: Self.driver,
                at: Timestamp(1_000_000)
            )
        }
        var facts = CUDAFacts(visibleDevices: "GPU-1", result: 0, errorName: nil, deviceCount: 1)
        facts.computation = .skipped("python3 (7) uses the GPU")
        remember(facts)
        #expect(next() == .full)
        facts.computation = .present(CUDAComputation(wrongResults: 1))
        remember(facts)
        #expect(next() == .full)
        facts.computation = .present(CUDAComputation())
        remember(facts)
        let proven = CUDATest.light("the last one had the right results at 1970-01-12T13:46:40Z")
        #expect(next() == proven)
        #expect(next("595.58.03") == .full)
        // The light tests that follow keep the proof, until one fails.
        facts.computation = .skipped("a kernel ran")
        remember(facts)
        #expect(next() == proven)
        facts.result = 999
        remember(facts)
        #expect(next() == .full)
    }

    /// A later inspection still says when the kernel ran, until another driver is loaded.
    @Test func theFactsSayWhenADeviceWasProven() {
        let testing = CUDATesting(level: .full)
        var facts = CUDAFacts(visibleDevices: "GPU-1", result: 0, errorName: nil, deviceCount: 1)
        func proven(_ driver: String = Self.driver, at time: Double) -> Timestamp? {
            let vendor = VendorFacts(nvml: .absent, cuda: .present([facts]))
            testing.remember(vendor, driver: driver, at: Timestamp(time))
            return testing.proving(vendor, driver: driver).cuda.value?.first?.provenAt
        }
        facts.computation = .skipped("python3 (7) uses the GPU")
        #expect(proven(at: 10) == nil)
        facts.computation = .present(CUDAComputation())
        #expect(proven(at: 20) == Timestamp(20))
        facts.computation = .skipped("a kernel ran")
        #expect(proven(at: 30) == Timestamp(20))
        #expect(proven("595.58.03", at: 40) == nil)
        facts.computation = .present(CUDAComputation(wrongResults: 1))
        #expect(proven(at: 50) == nil)
    }

    private static let pair = (GPUFacts.h100.at(index: 0), GPUFacts.h100.at(index: 1))

    private static func peers(
        _ testing: CUDATesting,
        _ driver: String = driver,
        users: [DeviceUser] = []
    ) -> CUDATest {
        testing.testPeers(pair.0, pair.1, driver: driver, users: .present(users))
    }

    @Test func peersAreTestedWithTheKernelAndNotOnAGPUThatIsInUse() {
        #expect(Self.peers(CUDATesting(level: .light)) == .light("'gpu-agent validate' tests it"))
        #expect(Self.peers(CUDATesting(level: .full)) == .full)
        let inUse = CUDATest.light("python3 (7, pod ml/train-0) uses the GPU")
        #expect(Self.peers(CUDATesting(level: .full), users: [Self.training]) == inUse)
        var (first, second) = Self.pair
        (first.traits[.minorNumber], second.traits[.minorNumber]) = (.present(.number(4)), .present(.number(0)))
        let users = Reading.present([Self.training])
        let test = CUDATesting(level: .full).testPeers(first, second, driver: Self.driver, users: users)
        #expect(test == inUse)
    }

    @Test func eachPairIsTestedUntilItWorks() {
        let testing = CUDATesting(level: .full)
        let uuids = [Self.pair.0, Self.pair.1].compactMap(\.uuid.value)
        func remember(_ pair: CUDAPeerPair?, working: [String] = uuids) {
            let cuda = working.map { CUDAFacts(visibleDevices: $0, result: 0, errorName: nil, deviceCount: 1) }
            let peers = pair.map { Reading.present(CUDAPeerFacts(pairs: [$0])) } ?? .skipped("in use")
            let facts = VendorFacts(nvml: .absent, cuda: .present(cuda), peers: peers)
            testing.remember(facts, driver: Self.driver, at: Timestamp(1_000_000))
        }
        let works = CUDAPeerPair(first: uuids[0], second: uuids[1])
        var failed = works
        failed.failures = [CUDAPeerFailure(from: uuids[0], wrongValues: 1)]
        var untested = works
        untested.untested = "in use"
        for pair in [failed, untested] {
            remember(pair)
            #expect(Self.peers(testing) == .full)
        }
        let proven = CUDATest.light("it worked at 1970-01-12T13:46:40Z")
        for pair in [works, untested, nil] {
            remember(pair)
            #expect(Self.peers(testing) == proven)
        }
        #expect(Self.peers(testing, "595.58.03") == .full)
        remember(failed)
        #expect(Self.peers(testing) == .full)
        remember(works)
        remember(nil, working: [uuids[0]])
        #expect(Self.peers(testing) == .full)
    }
}
