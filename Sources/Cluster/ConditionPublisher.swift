import FoundationEssentials
import Kubernetes
import Logging
import NodeModel
import Reporting
import Support

/// Keeps the conditions of the Node in line with the latest publication.
///
/// A failure here does not delay the labels and the taint, which pods depend on. So the conditions have their own
/// pauses.
actor ConditionPublisher {
    /// How long the last write may take, because the process must end within five seconds.
    private static let patienceAtTheEnd = Duration.seconds(2)

    /// The result of the last attempt, for the published state.
    struct State: Sendable {
        /// The agent's conditions on the Node; nil before the first attempt.
        var conditions: [Condition]?
        var failure: String?
        var isRefused: Bool?
        var contested: [ContestedField] = []
    }

    private let mirror: NodeMirror
    private let logger: Logger
    private(set) var state = State()
    private var schedule: ConditionSchedule
    private var contests = FieldContests()
    /// What is to be written next; nil when the agent has and wants no conditions.
    private var pending: ConditionUpdate.Urgency?
    /// The conditions that the Node last showed as the agent wants them.
    private var brought: [Condition] = []

    init(mirror: NodeMirror, schedule: ConditionSchedule, logger: Logger) {
        self.mirror = mirror
        self.schedule = schedule
        self.logger = logger
    }

    /// Whether the last write failed.
    var isFailing: Bool { schedule.isFailing }

    /// Ends the pause because the API server is reachable again.
    func serverAnswers() { schedule.reachable() }

    /// The time until the next write; nil when there is none.
    var nextWrite: Duration? {
        get async {
            let contest = contests.nextAttempt(after: .now)
            guard let pending else { return contest }
            let pause = max(schedule.delay(for: pending, at: .now), await room, .seconds(1))
            return contest.map { min($0, pause) } ?? pause
        }
    }

    /// The time until a failing agent may make the requests of an attempt: it can have to read the Node again.
    private var room: Duration {
        get async { schedule.isFailing ? await mirror.delay(forRequests: 2) : .zero }
    }

    /// Writes the conditions where they differ, or for a heartbeat, unless the schedule says that this must wait.
    ///
    /// - Parameters:
    ///   - wanted: The conditions that the Node should have.
    ///   - node: The Node.
    /// - Returns: Whether it wrote the conditions, so that the mirror has a new answer of the server.
    func bring(_ wanted: [Condition], on node: Node) async -> Bool {
        let update = ConditionUpdate(wanted, on: node, at: now, leaving: paused(wanted))
        state.conditions = node.conditions(of: wanted.map(\.type))
        state.contested = contests.fields(at: .now)
        pending = update.urgency == .heartbeat && wanted.isEmpty ? nil : update.urgency
        guard pending != nil else {
            (state.failure, state.isRefused, brought) = (nil, nil, [])
            return false
        }
        if update.urgency == .heartbeat { brought = wanted }
        var generator = SystemRandomNumberGenerator()
        schedule.begin(at: .now, using: &generator)
        guard schedule.delay(for: update.urgency, at: .now) <= .zero, await room == .zero else { return false }
        do throws(KubernetesError) {
            let applied = try await apply(update, on: node.metadata)
            schedule.wrote(at: .now, using: &generator)
            note(update, of: wanted)
            state.conditions = applied.conditions(of: wanted.map(\.type))
            (state.failure, state.isRefused) = (nil, nil)
            pending = wanted.isEmpty ? nil : .heartbeat
            logger.log(
                level: update.urgency == .heartbeat ? .debug : .notice,
                "conditions applied",
                metadata: ["node": "\(mirror.node)", "count": "\(wanted.count)"]
            )
            return true
        } catch {
            // The agent ends in the middle of the write, so the next attempt is `end`. The API server may have stored it.
            guard !error.isCancellation else {
                brought = wanted
                await mirror.forget()
                return false
            }
            schedule.failed(error, at: .now, using: &generator)
            (state.failure, state.isRefused) = (errorChain(error), error.isRefusal)
            let pause = schedule.delay(for: update.urgency, at: .now)
            logger.warning(
                "cannot write the conditions",
                metadata: ["error": "\(errorChain(error))", "next-try-in": "\(pause)"]
            )
            // An outdated mirror can be the cause, except after a refusal.
            if !error.isRefusal { await mirror.forget() }
            return false
        }
    }

    /// Sets the published conditions to Unknown before the agent ends, with at most two requests.
    func end() async {
        let wanted = NodeConditions.stopped(brought)
        guard !wanted.isEmpty, await mirror.delay(forRequests: 2) == .zero else { return }
        do throws(KubernetesError) {
            let applied = try await withDeadline(Self.patienceAtTheEnd, subject: "the last write of the conditions") {
                () async throws(KubernetesError) in
                let node = try await self.mirror.current()
                return try await self.apply(ConditionUpdate(wanted, on: node, at: self.now), on: node.metadata)
            }
            state.conditions = applied.conditions(of: wanted.map(\.type))
        } catch {
            logger.warning("cannot set the conditions to Unknown", metadata: ["error": "\(errorChain(error))"])
        }
    }

    private nonisolated var now: Timestamp { Timestamp(Date().timeIntervalSince1970) }

    private func apply(_ update: ConditionUpdate, on metadata: ObjectMetadata) async throws(KubernetesError) -> Node {
        let body = update.applyBody(on: metadata)
        let applied = try await mirror.request("apply-status") { client throws(KubernetesError) in
            try await client.applyNode(
                self.mirror.node,
                subresource: "status",
                body: body,
                fieldManager: NodeUpdate.fieldManager,
                force: true
            )
        }
        await mirror.accept(applied)
        return applied
    }

    /// The contested conditions that stay as they are for now, unless another status or reason is wanted.
    private func paused(_ wanted: [Condition]) -> Set<NodeUpdate.Field> {
        let (wishes, before) = (ConditionUpdate.wishes(wanted), ConditionUpdate.wishes(brought))
        return Set(
            before.keys.filter { field in
                before[field] == wishes[field] && contests.isPaused(field.name(prefix: mirror.prefix), at: .now)
            }
        )
    }

    /// Counts the conditions that another client had changed since the last write.
    private func note(_ update: ConditionUpdate, of wanted: [Condition]) {
        let (wishes, before) = (ConditionUpdate.wishes(wanted), ConditionUpdate.wishes(brought))
        for (field, managers) in update.differing where before[field] != nil && before[field] == wishes[field] {
            contests.rewrote(field.name(prefix: mirror.prefix), after: managers, at: .now)
        }
        brought = wanted
        state.contested = contests.fields(at: .now)
    }
}
