import FoundationEssentials
package import Kubernetes
package import Logging
package import NodeModel
package import Reporting
package import Support

/// Keeps the Node in line with the latest publication, with as few requests as possible.
///
/// It writes only changes. After a failure, it retries within seconds and then with increasing pauses, independent of
/// the inspections of the daemon.
package actor NodePublisher {
    package nonisolated let mirror: NodeMirror
    let logger: Logger
    private let conditions: ConditionPublisher
    private let bell = Bell()
    private var wanted: Publication?
    var pace = PublicationPace()
    private var contests = FieldContests()
    /// The value of each field at the last successful publication.
    private var brought: [NodeUpdate.Field: String] = [:]
    /// Rings when the agent may set a contested field again.
    private var reminder: Task<Void, Never>?
    /// The verdict of the last event and the UID of its Node, because a Node that was created again has no events.
    ///
    /// Before the first event, it is the verdict that the Node showed when the agent started. An agent that was
    /// restarted does not repeat the event of its predecessor.
    private var reported: (uid: String, verdict: Verdict?)?
    private var published: PublishedState
    /// The last request, for the message when the API server refuses it.
    var request = PublicationRequest.read
    /// When the agent first found that it cannot read the owner labels; nil while it can.
    private var ownersFailedSince: Timestamp?

    /// - Parameters:
    ///   - mirror: The agent's copy of its Node.
    ///   - gpusWorked: Whether an earlier daemon saw the GPUs work after the last boot.
    ///   - taintedSince: Since when an earlier daemon knew its taint on this Node; nil when it did not.
    ///   - schedule: When the conditions may be written.
    ///   - logger: The logger for errors.
    package init(
        mirror: NodeMirror,
        gpusWorked: Bool = false,
        taintedSince: Timestamp? = nil,
        schedule: ConditionSchedule = ConditionSchedule(),
        logger: Logger
    ) {
        self.mirror = mirror
        self.logger = logger
        conditions = ConditionPublisher(mirror: mirror, schedule: schedule, logger: logger)
        published = PublishedState(
            node: mirror.node,
            taintedSince: taintedSince,
            gpusWorked: gpusWorked ? true : nil
        )
    }

    /// What the agent published and what it knows of the Node, which it saves on the host for the commands there.
    package var state: PublishedState {
        get async {
            let owners = await mirror.knownOwners
            var state = published
            let conditions = await conditions.state
            (state.conditions, state.conditionsFailure) = (conditions.conditions, conditions.failure)
            state.areConditionsRefused = conditions.isRefused
            let contested = (state.contested ?? []) + conditions.contested
            state.contested = state.contested == nil && contested.isEmpty ? nil : contested
            state.ownerLabels = owners.last
            state.selectedLabels = await mirror.selected
            state.ownerLabelsFailure = owners.current.failure?.detail
            if state.ownerLabelsFailure == nil {
                ownersFailedSince = nil
            } else {
                ownersFailedSince = ownersFailedSince ?? Timestamp(Date().timeIntervalSince1970)
            }
            state.ownerLabelsFailedSince = ownersFailedSince
            return state
        }
    }

    /// Sets the publication that the Node should show.
    package func want(_ publication: Publication) {
        wanted = publication
        if [.ready, .degraded].contains(publication.verdict) { published.gpusWorked = true }
        bell.ring()
    }

    /// Compares the Node with the publication after another program changed the Node.
    package func check() { bell.ring() }

    /// Retries a failed publication now, because the API server is reachable again.
    package func serverAnswers() async {
        pace.reachable()
        await conditions.serverAnswers()
        bell.ring()
    }

    /// Publishes until the task is canceled.
    ///
    /// - Parameter attempted: A function to call after each attempt. Its argument tells whether something that an
    ///   inspection takes from the Node changed during the attempt.
    package func run(attempted: @Sendable (_ inputsChanged: Bool) async -> Void) async {
        for await _ in bell.calls where !Task.isCancelled {
            while let publication = wanted, !Task.isCancelled {
                let delay = await delay()
                guard delay == .zero else {
                    try? await Task.sleep(for: min(delay, .seconds(5)))
                    continue
                }
                let before = await mirror.inputs
                let isDone = await attempt(publication)
                await attempted(before != mirror.inputs)
                if isDone, publication == wanted {
                    remind(
                        in: [contests.nextAttempt(after: .now), await conditions.nextWrite].compactMap(\.self).min()
                    )
                    break
                }
            }
        }
    }

    /// Sets the conditions to Unknown, because the agent ends; call it after `run` has returned.
    package func end() async {
        wanted = nil
        reminder?.cancel()
        await conditions.end()
    }

    /// The time until the next attempt.
    private func delay() async -> Duration {
        let pause = pace.delay(at: .now)
        // An attempt usually makes three requests: it reads the Node and writes the taint and the labels.
        return pace.isFailing ? max(pause, await mirror.delay(forRequests: 3)) : pause
    }

    private func remind(in delay: Duration?) {
        reminder?.cancel()
        let bell = bell
        reminder = delay.map { delay in
            Task {
                do { try await Task.sleep(for: delay) } catch { return }
                bell.ring()
            }
        }
    }

    /// Makes one attempt and returns whether it succeeded.
    private func attempt(_ publication: Publication) async -> Bool {
        do throws(KubernetesError) {
            try await publish(publication)
            if await !conditions.isFailing { await mirror.published(isFirst: pace.isFailing) }
            pace.succeeded()
            return true
        } catch {
            guard !error.isCancellation else { return false }
            var generator = SystemRandomNumberGenerator()
            pace.failed(error, at: .now, using: &generator)
            let pause = await delay()
            logger.warning(
                "cannot publish",
                metadata: ["error": "\(request.text(of: error))", "next-try-in": "\(pause)"]
            )
            return false
        }
    }

    /// Makes the Node show the publication.
    ///
    /// It stores an error for the command `status` and throws it. An error of the conditions is only stored.
    package func publish(_ publication: Publication) async throws(KubernetesError) {
        do throws(KubernetesError) {
            let (node, refused) = try await bring(publication)
            // The answer can have the change of another client, which no event of the watch tells of then.
            if await conditions.bring(publication.conditions, on: node) { bell.ring() }
            if let refused { throw refused }
            published.at = Timestamp(Date().timeIntervalSince1970)
            (published.failure, published.isRefused) = (nil, nil)
        } catch {
            // A request that the agent gave up at its end is no failure, which `status` would show until the next start.
            if !error.isCancellation {
                (published.failure, published.isRefused) = (request.text(of: error), error.isRefusal)
            }
            // An outdated mirror can be the cause, except after a refusal.
            if !error.isRefusal { await mirror.forget() }
            throw error
        }
    }

    /// Changes the taints and the labels where they differ from the publication.
    ///
    /// The taint comes before the labels of a node that stops working, and goes after the labels of a node that works
    /// again. So when the agent is cut off in between, the taint is there rather than missing.
    ///
    /// - Returns: The Node, and the error when a policy refuses the annotations, or to remove the start-up taints. The rest is done
    ///   then.
    private func bring(
        _ publication: Publication
    ) async throws(KubernetesError) -> (node: Node, refused: KubernetesError?) {
        request = .read
        let current = try await mirror.current()
        if reported == nil {
            let shown = current.metadata.labels["\(mirror.prefix)/verdict"]
            reported = (current.metadata.uid, shown.flatMap { Verdict(rawValue: $0) })
        }
        let update = NodeUpdate(publication, on: current, prefix: mirror.prefix, leaving: paused(publication))
        published.foreignLabels = update.yielded.isEmpty ? nil : update.yielded
        var latest = current
        var refused: KubernetesError?
        noteTaint(NodeUpdate.isTainted(current, prefix: mirror.prefix))
        if update.taint == .present {
            latest = try await bringTaint(.present, on: latest)
            noteTaint(true)
        }
        if let labels = update.labels {
            do throws(KubernetesError) {
                latest = try await apply(labels, update.annotations, on: latest.metadata)
            } catch {
                // A policy of a former release refuses the annotations. A node must not keep its taint because of them.
                let hasNone = update.annotations.keys.allSatisfy { latest.metadata.annotations[$0] == nil }
                guard error.isRefusal, !update.annotations.isEmpty, hasNone else { throw error }
                latest = try await apply(labels, [:], on: latest.metadata)
                refused = error
            }
            logger.notice("labels applied", metadata: ["node": "\(mirror.node)", "count": "\(labels.count)"])
        }
        published.labels = update.shown
        if update.taint == .absent || !update.startupTaints.isEmpty {
            do throws(KubernetesError) {
                latest = try await bringTaint(update.taint, removing: update.startupTaints, on: latest)
            } catch {
                guard error.isRefusal, !update.startupTaints.isEmpty else { throw error }
                latest = try await bringTaint(update.taint, on: latest)
                refused = error
            }
        }
        noteTaint(NodeUpdate.isTainted(latest, prefix: mirror.prefix))
        let isReported = reported.map { $0.uid == latest.metadata.uid && $0.verdict == publication.verdict } ?? false
        if !isReported { await report(publication, on: latest.metadata) }
        reported = (latest.metadata.uid, publication.verdict)
        note(update, of: publication)
        return (latest, refused)
    }

    private func noteTaint(_ isOn: Bool) {
        published.setTainted(isOn, at: Timestamp(Date().timeIntervalSince1970))
    }

    /// The contested fields that stay as they are for now, unless the publication wants another value for them.
    private func paused(_ publication: Publication) -> Set<NodeUpdate.Field> {
        let wishes = NodeUpdate.wishes(publication)
        return Set(
            brought.keys.filter { field in
                brought[field] == wishes[field] && contests.isPaused(field.name(prefix: mirror.prefix), at: .now)
            }
        )
    }

    /// Counts the fields that another client had changed since the last publication.
    private func note(_ update: NodeUpdate, of publication: Publication) {
        let wishes = NodeUpdate.wishes(publication)
        for (field, managers) in update.differing where brought[field] != nil && brought[field] == wishes[field] {
            let name = field.name(prefix: mirror.prefix)
            contests.rewrote(name, after: managers, at: .now)
            guard contests.isPaused(name, at: .now) else { continue }
            logger.warning(
                "another client keeps changing a field",
                metadata: ["field": "\(name)", "field-managers": "\(managers)"]
            )
        }
        // A label that is left to its owner was not brought.
        brought = wishes.filter { field, _ in !update.yielded.contains { field == .label($0.key) } }
        published.contested = contests.fields(at: .now)
    }

    private func apply(
        _ labels: [String: String],
        _ annotations: [String: String],
        on metadata: ObjectMetadata
    ) async throws(KubernetesError) -> Node {
        request = .apply
        let body = NodeUpdate.applyBody(labels, annotations, on: metadata)
        let applied = try await mirror.request("apply") { client throws(KubernetesError) in
            try await client.applyNode(
                self.mirror.node,
                body: body,
                fieldManager: NodeUpdate.fieldManager,
                force: true
            )
        }
        await mirror.accept(applied)
        pace.wrote(at: .now)
        return applied
    }
}
