import NodeModel
import Support
import Synchronization

/// Decides how far to test CUDA on each device.
///
/// A kernel takes memory of the GPU for a moment. So the agent runs one only when a result is needed, once for each
/// device, and never on a GPU that another process uses.
package struct CUDATesting: Sendable {
    package enum Level: Sendable {
        /// Do not load CUDA.
        case off
        /// Only initialize CUDA.
        case light
        /// Run a kernel on each device that did not run one before.
        case full
    }

    package var level: Level
    private let proven = ProvenDevices()
    private let provenPairs = ProvenPairs()

    /// Why there is no result of CUDA with the level `off`.
    static let notAsked = "nobody asked for a test of CUDA"

    package init(level: Level) {
        self.level = level
    }

    /// How far to test CUDA on a device.
    ///
    /// - Parameters:
    ///   - gpu: The GPU of the device; nil when NVML names none.
    ///   - device: The UUID of the GPU or of its MIG device; nil when NVML names none.
    ///   - driver: The version of the loaded driver.
    ///   - users: The processes that have a device node of the driver open.
    /// - Returns: The test.
    func test(_ gpu: GPUFacts?, _ device: String?, driver: String?, users: Reading<[DeviceUser]>) -> CUDATest {
        guard level == .full else { return .light("'gpu-agent validate' runs one") }
        if let device, let time = proven.time(of: device, driver) {
            return .light("the last one had the right results at \(time.wholeSeconds)")
        }
        return Self.test(of: gpu, users)
    }

    /// Whether to test peer access between two GPUs that NVLink connects.
    ///
    /// The test takes as much memory of both GPUs as a kernel does, so the same rules hold.
    func testPeers(
        _ first: GPUFacts,
        _ second: GPUFacts,
        driver: String?,
        users: Reading<[DeviceUser]>
    ) -> CUDATest {
        guard level == .full else { return .light("'gpu-agent validate' tests it") }
        if let pair = ProvenPairs.Pair(first, second), let time = provenPairs.time(of: pair, driver) {
            return .light("it worked at \(time.wholeSeconds)")
        }
        let tests = [Self.test(of: first, users), Self.test(of: second, users)]
        return tests.first { $0 != .full } ?? .full
    }

    /// How far to test CUDA on a GPU, as far as its users allow.
    private static func test(of gpu: GPUFacts?, _ users: Reading<[DeviceUser]>) -> CUDATest {
        switch users {
        case .present(let users):
            let computing = users.filter { $0.computes(on: gpu) }
            return computing.isEmpty ? .full : .light("\(shortList(computing.map(\.name), limit: 2)) uses the GPU")
        case .absent, .absentBecause: return .full
        case .unreadable, .skipped:
            return .light("the agent cannot tell whether a process uses the GPU: \(users.whyUnknown ?? "")")
        }
    }

    /// The facts, with the time at which each device computed the right results.
    func proving(_ facts: VendorFacts, driver: String?) -> VendorFacts {
        var proved = facts
        proved.cuda = facts.cuda.map { tests in
            tests.map { test in
                var test = test
                test.provenAt = test.visibleDevices.flatMap { proven.time(of: $0, driver) }
                return test
            }
        }
        return proved
    }

    /// Remembers the devices that computed the right results and the pairs with peer access, and forgets those that do not
    /// work any more.
    func remember(_ facts: VendorFacts, driver: String?, at time: Timestamp) {
        let tests = facts.cuda.value ?? []
        proven.remember(tests, driver: driver, at: time)
        let working = Set(tests.filter(\.works).compactMap(\.visibleDevices))
        provenPairs.remember(facts.peers, working: working, driver: driver, at: time)
    }
}

extension DeviceUser {
    /// Whether the process computes or renders on a GPU; on any GPU when the driver does not tell its minor number.
    ///
    /// A process that only watches the GPUs, such as a monitor, opens neither `nvidia-uvm` nor `nvidia-modeset`. The
    /// services of the driver run on every node.
    fileprivate func computes(on gpu: GPUFacts?) -> Bool {
        guard driverService == nil, nodes.contains(where: { ["nvidia-uvm", "nvidia-modeset"].contains($0) }) else {
            return false
        }
        guard case .number(let minor)? = gpu?.traits[.minorNumber].value else { return true }
        return nodes.contains("nvidia\(minor)")
    }
}

/// The devices on which a kernel ran in the life of this process.
private final class ProvenDevices: Sendable {
    private struct Proof {
        var driver: String?
        var time: Timestamp
    }

    private let proofs = Mutex([String: Proof]())

    /// When a device computed the right results with this driver; nil when it did not.
    func time(of device: String, _ driver: String?) -> Timestamp? {
        proofs.withLock { proofs in proofs[device].flatMap { $0.driver == driver ? $0.time : nil } }
    }

    /// Takes over the results of a test.
    ///
    /// Devices that are gone leave the list, so it has a limit.
    func remember(_ tests: [CUDAFacts], driver: String?, at time: Timestamp) {
        proofs.withLock { proofs in
            var kept: [String: Proof] = [:]
            for test in tests where test.works {
                guard let device = test.visibleDevices else { continue }
                kept[device] = test.computation?.value == nil ? proofs[device] : Proof(driver: driver, time: time)
            }
            proofs = kept
        }
    }
}

/// The pairs of GPUs between which peer access worked in the life of this process.
private final class ProvenPairs: Sendable {
    /// The UUIDs of two GPUs, in NVML's order.
    struct Pair: Hashable {
        var first: String
        var second: String

        init?(_ first: GPUFacts, _ second: GPUFacts) {
            guard let one = first.uuid.value, let other = second.uuid.value else { return nil }
            (self.first, self.second) = (one, other)
        }

        init(_ pair: CUDAPeerPair) {
            (first, second) = (pair.first, pair.second)
        }
    }

    private let proofs = Mutex([Pair: (driver: String?, time: Timestamp)]())

    /// When peer access of a pair worked with this driver; nil when it did not.
    func time(of pair: Pair, _ driver: String?) -> Timestamp? {
        proofs.withLock { proofs in proofs[pair].flatMap { $0.driver == driver ? $0.time : nil } }
    }

    /// Takes over the results of a test.
    ///
    /// A pair stays in the list only while CUDA works on both GPUs, so the list has a limit.
    func remember(_ facts: Reading<CUDAPeerFacts>, working: Set<String>, driver: String?, at time: Timestamp) {
        proofs.withLock { proofs in
            for pair in facts.value?.pairs ?? [] where pair.untested == nil {
                proofs[Pair(pair)] = pair.works ? (driver, time) : nil
            }
            proofs = proofs.filter { working.contains($0.key.first) && working.contains($0.key.second) }
        }
    }
}
