import Dispatch
import FoundationEssentials
import Glibc
import NodeModel
import Synchronization
import VendorProbe

/// Measures how long the vendor children need for NVML and for CUDA, and how much memory of its own one has.
enum VendorBenchmark {
    /// - Parameters:
    ///   - agent: The path of the agent, which is the child.
    ///   - library: The path of libnvidia-ml.
    /// - Returns: Whether the median of the time and the memory are below their limits.
    static func run(agent: String, library: String) async -> Bool {
        let memory = ChildMemory()
        let prober = VendorProber(
            program: agent,
            libraries: VendorLibraries(nvml: library, cuda: nil),
            companions: [],
            scratch: "/tmp"
        )
        var times: [Duration] = []
        var nvml: NVMLFacts?
        for run in 0..<33 {
            memory.isWatching = run >= 30
            let begin = ContinuousClock.now
            nvml = await prober.facts().nvml.value
            // The first runs warm up, and the last ones measure the memory.
            if (3..<30).contains(run) { times.append(begin.duration(to: .now)) }
        }
        guard let nvml else {
            print("FAIL the library does not answer")
            return false
        }
        let devices = nvml.gpus.reduce(0) { $0 + ($1.migDevices.value?.count ?? 0) }
        let title = "NVML, \(nvml.gpus.count) GPUs, \(devices) MIG devices"
        let time = Timing(title, limit: .milliseconds(30), times: times)
        let kibibytes = memory.most
        let isSmall = kibibytes > 0 && kibibytes < 12 << 10
        print(time)
        print("\(isSmall ? "ok  " : "FAIL") memory of the vendor child, its own: \(kibibytes) KiB (limit \(12 << 10))")
        return !time.isOver && isSmall
    }

    /// - Parameters:
    ///   - agent: The path of the agent, which is the child.
    ///   - nvml: The path of libnvidia-ml, which names the devices.
    ///   - cuda: The path of libcuda.
    /// - Returns: Whether CUDA works on each device, and the median of the time is below its limit.
    static func cuda(agent: String, nvml: String, cuda: String) async -> Bool {
        let prober = VendorProber(
            program: agent,
            libraries: VendorLibraries(nvml: nvml, cuda: cuda),
            companions: [],
            scratch: "/tmp",
            cudaTest: { _, _ in .light("a benchmark") }
        )
        var times: [Duration] = []
        var devices = 0
        for _ in 0..<3 {
            let begin = ContinuousClock.now
            let tests = await prober.facts().cuda.value ?? []
            times.append(begin.duration(to: .now))
            guard !tests.isEmpty, tests.allSatisfy(\.works) else {
                print("FAIL CUDA does not work on each of \(tests.count) devices")
                return false
            }
            devices = tests.count
        }
        let time = Timing("NVML, and CUDA on \(devices) devices", limit: .seconds(5), times: times)
        print(time)
        return !time.isOver
    }
}

/// Samples the private memory of the child processes of this process.
private final class ChildMemory: Sendable {
    private let state = Mutex((isWatching: false, most: 0))

    var isWatching: Bool {
        get { state.withLock { $0.isWatching } }
        set { state.withLock { $0.isWatching = newValue } }
    }

    /// The most private memory of a child that it has written to, in KiB.
    var most: Int { state.withLock { $0.most } }

    init() {
        DispatchQueue(label: "child-memory").async { [self] in
            while true {
                if isWatching {
                    let sample = Self.sample()
                    state.withLock { $0.most = max($0.most, sample) }
                } else {
                    usleep(1000)
                }
            }
        }
    }

    private static func sample() -> Int {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        let children = tasks.flatMap { text("/proc/self/task/\($0)/children").split(separator: " ") }
        return children.map { child in
            // Before it starts the agent, a child has the memory of this process.
            guard text("/proc/\(child)/cmdline").contains("vendor-probe") else { return 0 }
            let lines = text("/proc/\(child)/smaps_rollup").split(separator: "\n")
            let line = lines.first { $0.hasPrefix("Private_Dirty:") }
            return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        }
        .max() ?? 0
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
}
