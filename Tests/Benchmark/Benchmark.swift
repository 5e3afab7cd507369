import Agent
import Catalog
import Glibc
import NodeModel
import Selection

/// Times what a node pays at each start and at each look: `gpu-benchmark [DIRECTORY OF THE CATALOG]`.
///
/// Exits 1 when a time is over its limit. Only a release build says something; `scripts/measure` makes one.
@main
enum Benchmark {
    static func main() throws {
        let directory = CommandLine.arguments.dropFirst().first ?? "catalog"
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

/// How long something takes, over many runs.
private struct Timing: CustomStringConvertible {
    var name: String
    var limit: Duration
    var median: Duration
    var worst: Duration

    /// Times `work`, after some runs that do not count; its results are added up, so that none can be left out.
    init(_ name: String, limit: Duration, runs: Int, _ work: () throws -> Int) rethrows {
        var sum = 0
        for _ in 0..<(runs / 10) { sum += try work() }
        let times = try (0..<runs).map { _ in try ContinuousClock().measure { sum += try work() } }.sorted()
        precondition(sum > 0, "\(name) has no result")
        self.name = name
        self.limit = limit
        median = times[runs / 2]
        worst = times[runs - 1]
    }

    /// The median decides: the worst run is mostly the machine's doing.
    var isOver: Bool { median >= limit }

    /// The line that `scripts/measure` prints for its own figures, with the worst run at its end.
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
