import Host
import Logging
import MIG
import NodeModel
import Reporting
import Support

/// Makes the recorded MIG layout again in the daemon, after a reboot removed it.
struct MIGRestoration {
    /// When the next attempt may be made; nil before the first.
    private var next: ContinuousClock.Instant?

    /// How long to wait after an attempt that failed, for example because a process used a GPU.
    private static let pause = Duration.seconds(300)

    /// Whether a GPU is as a reboot leaves it: without MIG devices, and with a layout to make.
    ///
    /// Somebody else made the devices of another GPU, or turned its MIG mode on, and the agent must not undo that.
    private static func isUntouched(_ gpu: GPUFacts, _ facts: NodeFacts) -> Bool {
        let goal = facts.wantedMIG.value?.gpus.first { $0.uuid == gpu.uuid.value }
        return goal?.isEnabled == true && (gpu.migDevices.value ?? []).isEmpty
    }

    /// Makes the layout when it was made in an earlier boot and is not there.
    ///
    /// GPUs with MIG devices stay as they are, because somebody made these after the reboot.
    ///
    /// - Returns: Whether the agent tried, so that the node has to be inspected again.
    mutating func restore(_ prober: Prober, _ facts: NodeFacts, pod: String?, _ logger: Logger) async -> Bool {
        guard facts.isMIGLayoutOfEarlierBoot, let gpus = facts.gpusWithoutMIGLayout, !gpus.isEmpty,
            gpus.allSatisfy({ Self.isUntouched($0, facts) })
        else { return false }
        if let next, ContinuousClock.now < next { return false }
        next = .now + Self.pause
        do throws(AgentFailure) {
            guard let commands = prober.commands, let record = try await prober.migRecord() else { return false }
            let run = MIGRun(prober: prober, commands: commands, pod: pod, isRestore: true) { record.plan($0) }
            let document = try await run.run(lockDeadline: .seconds(60))
            let isMade = document.state == .success
            logger.log(
                level: isMade ? .notice : .warning,
                isMade ? "made the MIG layout again" : "the MIG layout is not there; 'gpu-agent mig restore' says why",
                metadata: ["layout": "\(record.layout)", "state": "\(document.state.rawValue)"]
            )
        } catch {
            logger.error(
                "the MIG layout could not be made again",
                metadata: ["code": "\(error.problem.code.rawValue)", "observed": "\(error.problem.observed)"]
            )
        }
        return true
    }
}
