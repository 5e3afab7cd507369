import Host
import Logging
import MIG
import NodeModel
import Reporting
import Support

/// Makes lost MIG layouts again in the daemon, and decides when the next attempt is due.
///
/// Which layouts are lost, the facts say (`MIGComparison.restorable`).
struct MIGRestoration {
    /// When the next attempt may be made; nil before the first, and after one that made the layouts.
    private var next: ContinuousClock.Instant?

    /// How long to wait after an attempt that failed, for example because a process used a GPU.
    static let pause = Duration.seconds(300)

    /// How long to wait for another process that changes the host.
    private static let lockDeadline = Duration.seconds(30)

    /// After this time, no change of a GPU begins, so that the daemon returns to the other problems of the node.
    private static let limit = Duration.seconds(240)

    /// Whether an attempt may be made now.
    func isDue(_ facts: NodeFacts, at instant: ContinuousClock.Instant) -> Bool {
        guard facts.migComparison?.restorable.isEmpty == false else { return false }
        return next.map { instant >= $0 } ?? true
    }

    /// Notes the end of an attempt.
    mutating func end(isMade: Bool, at instant: ContinuousClock.Instant) {
        next = isMade ? nil : instant + Self.pause
    }

    /// Makes the lost layouts again.
    ///
    /// The layouts of other GPUs stay as they are.
    mutating func restore(_ prober: Prober, _ facts: NodeFacts, pod: String?, _ logger: Logger) async {
        guard let lost = facts.migComparison?.restorable, !lost.isEmpty, let commands = prober.commands else { return }
        var isMade = false
        defer { end(isMade: isMade, at: .now) }
        do throws(AgentFailure) {
            var run = MIGRun(prober: prober, commands: commands, pod: pod, wish: .lost(Set(lost)))
            run.end = .now + Self.limit
            let document = try await run.run(lockDeadline: Self.lockDeadline)
            isMade = document.state == .success
            logger.log(
                level: isMade ? .notice : .warning,
                isMade ? "made the MIG layout again" : "the MIG layout is not there",
                metadata: [
                    "layout": "\(document.layout ?? "none")", "state": "\(document.state.rawValue)",
                    "why": "\(document.why ?? "none")",
                ]
            )
        } catch {
            logger.error(
                "the MIG layout could not be made again",
                metadata: ["code": "\(error.problem.code.rawValue)", "observed": "\(error.problem.observed)"]
            )
        }
    }
}

extension MIGDocument {
    /// What was in the way, as the command would print it; nil when nothing was.
    var why: String? {
        let users = gpus.flatMap { $0.users ?? [] }.prefix(10).map(\.name)
        let reasons = problems + gpus.flatMap { [$0.failure, $0.why].compactMap(\.self) }
        let all = reasons.prefix(10) + (users.isEmpty ? [] : ["in use by \(users.joined(separator: ", "))"])
        return all.isEmpty ? nil : all.joined(separator: "; ")
    }
}
