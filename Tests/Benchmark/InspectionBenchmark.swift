import Agent
import FoundationEssentials
import Host

/// Measures whether the memory of the agent stays the same over many inspections of a node.
///
/// The inspections are those of the daemon: the PCI bus, the host, NVIDIA's libraries in a child process, the decision
/// and the checks. The memory after a tenth of the time, when all caches are full, is compared with that at the end.
enum InspectionBenchmark {
    /// The most that the resident memory may grow, in KiB.
    ///
    /// A leak of 1 KiB in each inspection exceeds it after some thousand inspections.
    private static let limit = 4096

    /// - Parameters:
    ///   - seconds: How long to inspect the node.
    ///   - agent: The path of the agent, which is the vendor child.
    ///   - host: A process whose namespaces are the host's.
    /// - Returns: Whether the memory grew by less than the limit.
    /// - Throws: When the host process or the catalog cannot be read.
    static func run(seconds: Int, agent: String, host: Int) async throws -> Bool {
        useOneHeap()
        let settings = Settings(hostPID: host, catalogDirectory: "catalog", program: agent)
        let inspector = Inspector(prober: try Prober(settings), setup: try Setup.load(settings))
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        let warm = start + .seconds(seconds) / 10
        var inspections = 0
        var before: Int?
        while ContinuousClock.now < end {
            _ = await inspector.look()
            inspections += 1
            if before == nil, ContinuousClock.now >= warm { before = residentMemory() }
        }
        let growth = residentMemory() - (before ?? 0)
        let isFlat = before != nil && growth < limit
        print(
            "\(isFlat ? "ok  " : "FAIL") growth of the memory in \(inspections) inspections: "
                + "\(growth) KiB of \(before ?? 0) KiB (limit \(limit))"
        )
        return isFlat
    }

    /// The resident memory of this process in KiB, after it gave back what it does not need.
    private static func residentMemory() -> Int {
        giveBackMemory()
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) } ?? 0
    }
}
