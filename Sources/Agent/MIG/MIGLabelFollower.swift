import Host
import Logging
import MIG
import NodeModel
import Reporting
import Support

/// Makes the MIG layout that a label of the Node names, and remembers what came of it.
///
/// Whether the agent makes it, the labels say (`MIGRequest.decision`).
struct MIGLabelFollower {
    /// The state to publish; nil for no label.
    private(set) var state: MIGConfigState?
    /// The layout that the state is about.
    private var layout: String?
    /// When the next attempt may be made; nil for now.
    private var next: ContinuousClock.Instant?
    /// Whether an attempt for this layout has ended, and why the layout was not there afterwards.
    private var ended: (isTrue: Bool, why: String?) = (false, nil)
    /// The last reason in the log for which the agent makes no layout.
    private var reason: String?

    /// How long to wait after an attempt that failed, or while a GPU needs a reset.
    static let pause = Duration.seconds(300)

    /// After this time, no change of a GPU begins.
    private static let limit = Duration.seconds(240)

    /// The layout to make now; nil when there is nothing to do.
    ///
    /// A layout that was made is not made again before the label changes or the daemon starts again.
    mutating func due(_ decision: MIGRequest.Decision, at instant: ContinuousClock.Instant) -> String? {
        guard case .make(let wanted) = decision else {
            (state, layout, next, ended) = (nil, nil, nil, (false, nil))
            return nil
        }
        if layout != wanted { (state, layout, next, ended) = (.pending, wanted, nil, (false, nil)) }
        guard state != .success, next.map({ instant >= $0 }) ?? true else { return nil }
        return wanted
    }

    /// The layout that is not there, for the checks.
    ///
    /// - Parameters:
    ///   - decision: Who makes the layout.
    ///   - hasWorked: Whether the GPUs have worked since the last boot, so that pods may use them already.
    /// - Returns: Nil when no layout is wanted, and when it is there.
    func wish(_ decision: MIGRequest.Decision, hasWorked: Bool) -> MIGLabelWish? {
        guard case .make(let wanted) = decision else { return nil }
        guard wanted == layout, ended.isTrue else {
            return MIGLabelWish(layout: wanted, state: hasWorked ? .making : .first)
        }
        switch state {
        case .success, nil: return nil
        case .failed: return MIGLabelWish(layout: wanted, state: .failed, why: ended.why)
        case .pending: return MIGLabelWish(layout: wanted, state: .waiting, why: ended.why)
        }
    }

    /// Notes the end of an attempt.
    mutating func end(_ state: MIGConfigState, _ why: String? = nil, at instant: ContinuousClock.Instant) {
        self.state = state
        ended = (true, why.map { $0.visible.shortened(to: 300) })
        next = state == .success ? nil : instant + Self.pause
    }

    /// Writes to the log why the agent makes no layout, once for each reason.
    mutating func note(_ decision: MIGRequest.Decision, _ logger: Logger) {
        guard case .leave(let why) = decision else { return reason = nil }
        guard why != reason else { return }
        reason = why
        logger.notice(
            "makes no MIG layout for the label, because NVIDIA's MIG manager does",
            metadata: ["why": "\(why)"]
        )
    }

    /// Makes a layout of a file in the format of `nvidia-mig-parted`, or a standard one, under the conditions of
    /// `mig apply`.
    ///
    /// - Parameters:
    ///   - layout: The name of the layout.
    ///   - path: The file, or the word for the standard layouts.
    ///   - ignored: The GPUs that the agent leaves alone.
    ///   - prober: What reads the node and runs commands on it.
    ///   - pod: The pod of this process; nil outside of a pod.
    ///   - logger: Where the result goes.
    mutating func make(
        _ layout: String,
        from path: String,
        besides ignored: Set<PCIAddress>,
        _ prober: Prober,
        pod: String?,
        _ logger: Logger
    ) async {
        let (state, why) = await Self.result(layout, path, ignored, prober, pod)
        end(state, why, at: .now)
        logger.log(
            level: state == .failed ? .warning : .notice,
            "the MIG layout of the label",
            metadata: ["layout": "\(layout)", "state": "\(state.rawValue)", "why": "\(why ?? "none")"]
        )
    }

    private static func result(
        _ layout: String,
        _ path: String,
        _ ignored: Set<PCIAddress>,
        _ prober: Prober,
        _ pod: String?
    ) async -> (MIGConfigState, why: String?) {
        guard let commands = prober.commands else { return (.failed, AgentFailure.noCommands.problem.observed) }
        let planner: @Sendable (MIGInventory) -> MIGNodePlan
        do { planner = try MIGLayoutSource.read(path).planner(layout) } catch {
            return (.failed, "\(path): \(errorChain(error))")
        }
        do throws(AgentFailure) {
            let wish = MIGRun.Wish.layout { inventory in
                var plan = planner(inventory)
                plan.leaveOut(ignored)
                return plan
            }
            var run = MIGRun(prober: prober, commands: commands, pod: pod, wish: wish)
            run.end = .now + limit
            let document = try await run.run(lockDeadline: .seconds(30))
            switch document.state {
            case .success: return (.success, nil)
            case .resetRequired: return (.pending, "a GPU needs a reset first")
            case .rebootRequired: return (.pending, "the node needs a reboot first")
            case .possible, .failed, .notRecorded: return (.failed, document.why)
            }
        } catch { return (.failed, error.problem.observed) }
    }
}
