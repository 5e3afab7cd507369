import Agent
import Catalog
import Glibc
import NodeModel
import Selection

/// Measures the work of each start and each inspection: `gpu-benchmark [DIRECTORY OF THE CATALOG]`, the vendor child:
/// `gpu-benchmark nvml AGENT LIBRARY`, the light test of CUDA: `gpu-benchmark cuda AGENT NVML CUDA`, the reader of the kernel log for some seconds: `gpu-benchmark kernel-log
/// SECONDS`, the memory over many inspections: `gpu-benchmark inspections SECONDS AGENT HOST-PID`, or the requests of
/// many agents to an API server: `gpu-benchmark scale NODES JITTER SECONDS CERTIFICATES`.
///
/// Exits with 1 when a time exceeds its limit. Only a release build gives useful times, and `scripts/measure` creates
/// one.
@main
enum Benchmark {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.count == 3, arguments[0] == "nvml" {
            exit(await VendorBenchmark.run(agent: arguments[1], library: arguments[2]) ? 0 : 1)
        }
        if arguments.count == 4, arguments[0] == "cuda" {
            exit(await VendorBenchmark.cuda(agent: arguments[1], nvml: arguments[2], cuda: arguments[3]) ? 0 : 1)
        }
        if arguments.count == 4, arguments[0] == "inspections", let seconds = Int(arguments[1]),
            let host = Int(arguments[3])
        {
            let seconds = max(1, min(seconds, 24 * 3600))
            exit(try await InspectionBenchmark.run(seconds: seconds, agent: arguments[2], host: host) ? 0 : 1)
        }
        if arguments.count == 5, arguments[0] == "scale", let count = Int(arguments[1]), let jitter = Int(arguments[2]),
            let seconds = Int(arguments[3])
        {
            let (count, jitter) = (max(1, min(count, 20_000)), max(0, min(jitter, 3600)))
            let seconds = max(1, min(seconds, 3600))
            let isGood = try await ScaleBenchmark.run(
                count: count,
                jitter: jitter,
                seconds: seconds,
                certificates: arguments[4]
            )
            exit(isGood ? 0 : 1)
        }
        if arguments.first == "kernel-log" {
            let seconds = arguments.dropFirst().first.flatMap { Int($0) } ?? 60
            exit(try KernelLogBenchmark.run(seconds: max(1, min(seconds, 3600))) ? 0 : 1)
        }
        let directory = arguments.first ?? "catalog"
        let settings = Settings(hostPID: nil, catalogDirectory: directory)
        let loading = try Timing("catalog, loaded and validated", limit: .milliseconds(50), runs: 60) {
            try Setup.review(settings).catalog.drivers.count
        }
        let selection = Selection(catalog: try Setup.load(settings).catalog, policy: Policy())
        let choices = Nodes.all.map { name, facts in
            Timing("selection, 16 GPUs: \(name)", limit: .milliseconds(5), runs: 600) {
                selection.decide(facts).evidence.count
            }
        }
        let timings = [loading] + choices
        for timing in timings { print(timing) }
        if timings.contains(where: \.isOver) { exit(1) }
    }
}

/// The duration of an operation over many runs.
struct Timing: CustomStringConvertible {
    var name: String
    var limit: Duration
    var median: Duration
    var worst: Duration

    /// Measures `work` after some warm-up runs.
    ///
    /// It adds up the results, so that the compiler cannot remove the work.
    init(_ name: String, limit: Duration, runs: Int, _ work: () throws -> Int) rethrows {
        var sum = 0
        for _ in 0..<(runs / 10) { sum += try work() }
        let times = try (0..<runs).map { _ in try ContinuousClock().measure { sum += try work() } }
        precondition(sum > 0, "\(name) has no result")
        self.init(name, limit: limit, times: times)
    }

    /// The measured times, of which there is at least one.
    init(_ name: String, limit: Duration, times: [Duration]) {
        let times = times.sorted()
        self.name = name
        self.limit = limit
        median = times[times.count / 2]
        worst = times[times.count - 1]
    }

    /// Whether the median exceeds the limit.
    ///
    /// The slowest run mostly depends on the machine.
    var isOver: Bool { median >= limit }

    /// The line in the output of `scripts/measure`, with the slowest run at its end.
    var description: String {
        let title = name + String(repeating: " ", count: max(0, 42 - name.count))
        let figure = milliseconds(median)
        let indent = String(repeating: " ", count: max(0, 6 - figure.count))
        return "\(isOver ? "FAIL" : "ok  ") \(title) \(indent)\(figure) ms  "
            + "(limit \(Int(limit / .milliseconds(1))), worst \(milliseconds(worst)))"
    }

    private func milliseconds(_ time: Duration) -> String {
        let hundredths = Int(time / .microseconds(10))
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}
