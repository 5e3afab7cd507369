import FoundationEssentials
package import Kubernetes
package import Logging
package import NodeModel
package import Reporting
import Support

/// Keeps the agent's Node as the last publication says, with as few requests as can be.
///
/// One metadata-only read at the start; later reads come from the watch. Nothing is written when nothing changed.
package actor NodePublisher {
    private let client: KubernetesClient
    private let node: String
    private let prefix: String
    private let logger: Logger
    private let retry: RetryPolicy
    private var metadata: ObjectMetadata? {
        didSet {
            guard let metadata else { return }
            owners = .present(metadata.ownerLabels)
            heardAt = .now
        }
    }
    /// The labels that say who owns the driver, as they were last seen.
    ///
    /// What was seen last is kept in the state, so that it holds for the next agent too.
    private var owners: Reading<[String: String]> = .skipped("the node was not read yet") {
        didSet {
            if let labels = owners.value { state.ownerLabels = labels }
            state.ownerLabelsFailure = owners.failure?.detail
        }
    }
    /// Whether the watch is broken, so that what was read may be out of date.
    private var isUnwatched = false
    /// When the Node was last read or heard of.
    private var heardAt: ContinuousClock.Instant?
    /// The last failure to read the Node, and when: the same look does not ask twice.
    private var readFailure: (error: KubernetesError, at: ContinuousClock.Instant)?
    /// Who else had written the taints, and when, at the last look at the whole Node.
    private var seenTaintOwners: [FieldOwner]?
    private var seenTaint: TaintWish?
    private var counts: [Request: Int] = [:]
    private var lastVerdict: Verdict?
    package private(set) var state: PublishedState

    private struct Request: Hashable {
        var verb: String
        var outcome: String
    }

    package init(
        client: KubernetesClient,
        node: String,
        prefix: String,
        retry: RetryPolicy = RetryPolicy(attempts: 2),
        previous: PublishedState? = nil,
        logger: Logger
    ) {
        self.client = client
        self.node = node
        self.prefix = prefix
        self.retry = retry
        self.logger = logger
        state = PublishedState(node: node)
        // Who owned the driver when the agent before this one saw the Node.
        if let previous, previous.node == node { state.ownerLabels = previous.ownerLabels }
    }

    /// Requests so far, for the metrics.
    package var requestCounts: [Metrics.APIRequestCount] {
        counts.map { Metrics.APIRequestCount(verb: $0.key.verb, outcome: $0.key.outcome, count: $0.value) }
            .sorted { ($0.verb, $0.outcome) < ($1.verb, $1.outcome) }
    }

    /// Those labels of the Node that say who owns its driver.
    ///
    /// The first call reads the Node's metadata, and no other request needs to: `publish` goes on from it, and the
    /// watch keeps it fresh. Without a watch, or when nothing was heard of the Node for longer than `age`, it is read
    /// again. Where it cannot be read the labels are unreadable, and what was seen last is given beside that.
    ///
    /// - Parameters:
    ///   - age: How old the answer may be.
    ///   - limit: How long to wait for the API server.
    /// - Returns: The labels now, and as they were last seen.
    package func ownerLabels(
        noOlderThan age: Duration? = nil,
        within limit: Duration = .seconds(10)
    ) async -> OwnerLabels {
        let isOld = age.map { age in heardAt.map { $0 + age < .now } ?? true } ?? false
        if metadata == nil || isUnwatched || isOld {
            do throws(KubernetesError) {
                try await withDeadline(limit, subject: "the request for the labels of node \(node)") {
                    () async throws(KubernetesError) in _ = try await self.readMetadata()
                }
            } catch {
                logger.warning("the owner of the driver is not known", metadata: ["error": "\(errorChain(error))"])
                owners = .unreadable(ReadFailure(error))
                readFailure = (error, .now)
                metadata = nil
            }
        }
        return OwnerLabels(owners, last: state.ownerLabels)
    }

    /// Takes what the watch saw, and says whether it concerns the agent.
    package func observe(_ event: NodeWatchEvent) -> Bool {
        switch event {
        case .added(let new), .modified(let new):
            let concerns = metadata.map { ownPart(of: $0) != ownPart(of: new) } ?? true
            metadata = new
            return concerns
        case .deleted:
            metadata = nil
            // The labels went with it: whoever makes it anew may claim it or not.
            state.ownerLabels = nil
            owners = .unreadable(ReadFailure(.io, "node \(node) was deleted"))
            return true
        case .bookmark(let version):
            metadata?.resourceVersion = version
            return false
        case .failed(.gone):
            metadata = nil
            return true
        case .failed:
            isUnwatched = true
            return false
        }
    }

    /// The version to watch from; nil before the first read.
    package var watchVersion: String? { metadata?.resourceVersion }

    /// What the agent decides by, of a Node that is written every few seconds by others.
    private func ownPart(of metadata: ObjectMetadata) -> [String] {
        let keys = metadata.labelKeys(ownedBy: NodeUpdate.fieldManager)
        let own = metadata.labels.filter { keys.contains($0.key) || $0.key.hasPrefix("\(prefix)/") }
        let labels = own.merging(metadata.ownerLabels) { $1 }
        return labels.map { "\($0)=\($1)" }.sorted() + metadata.taintOwners.map { "\($0)" }
    }

    /// Brings the Node to the publication.
    ///
    /// A failure is remembered for `status` and thrown.
    package func publish(_ publication: Publication) async throws(KubernetesError) {
        do throws(KubernetesError) {
            try await bring(publication)
            state.at = now()
            state.failure = nil
        } catch {
            state.failure = errorChain(error)
            // What was read may be why it failed: read again next time.
            metadata = nil
            seenTaintOwners = nil
            throw error
        }
    }

    private func bring(_ publication: Publication) async throws(KubernetesError) {
        let current = try await currentMetadata()
        let before = current.labels["\(prefix)/verdict"]
        let update = NodeUpdate(publication, on: current, prefix: prefix)
        if !update.yielded.isEmpty {
            logger.debug("labels are left to their owners", metadata: ["keys": "\(update.yielded.sorted())"])
        }
        if update.taint != .keep, !isKnown(update.taint, on: current) {
            try await bringTaint(update.taint, publication.verdict)
        }
        if publication.taint != .keep { state.tainted = publication.taint == .present }
        if let labels = update.labels {
            let base = metadata ?? current
            let applied = try await request("apply") { () async throws(KubernetesError) in
                try await self.client.applyNode(
                    self.node,
                    body: NodeUpdate.applyBody(labels, on: base),
                    fieldManager: NodeUpdate.fieldManager,
                    force: true
                )
            }
            metadata = applied
            logger.notice("labels applied", metadata: ["node": "\(node)", "count": "\(labels.count)"])
        }
        state.labels = update.shown
        let verdict = publication.verdict
        if verdict.rawValue != before, verdict != lastVerdict { await report(publication) }
        lastVerdict = verdict
    }

    /// The metadata as it is known; read when it is not.
    private func currentMetadata() async throws(KubernetesError) -> ObjectMetadata {
        if let metadata { return metadata }
        // What this look was told a moment ago it is not told again.
        if let readFailure, readFailure.at + .seconds(2) > .now { throw readFailure.error }
        return try await readMetadata()
    }

    private func readMetadata() async throws(KubernetesError) -> ObjectMetadata {
        let read = try await request("get") { () async throws(KubernetesError) in
            try await self.client.nodeMetadata(self.node)
        }
        metadata = read
        (isUnwatched, readFailure) = (false, nil)
        return read
    }

    /// Whether the whole Node was looked at for this wish, and nobody wrote the taints since.
    private func isKnown(_ wish: TaintWish, on metadata: ObjectMetadata) -> Bool {
        seenTaint == wish && seenTaintOwners == metadata.taintOwners
    }

    private func bringTaint(_ wish: TaintWish, _ verdict: Verdict) async throws(KubernetesError) {
        // Somebody else may write the Node between our read and our patch: the patch then fails its test.
        for attempt in 1... {
            let whole = try await request("get") { () async throws(KubernetesError) in
                try await self.client.node(self.node)
            }
            let operations = NodeUpdate.taintPatch(wish, verdict, on: whole, prefix: prefix)
            do throws(KubernetesError) {
                let patched =
                    operations.isEmpty
                    ? whole
                    : try await request("patch") { () async throws(KubernetesError) in
                        try await self.client.patchNode(
                            self.node,
                            operations: operations,
                            fieldManager: NodeUpdate.fieldManager
                        )
                    }
                metadata = patched.metadata
                (seenTaint, seenTaintOwners) = (wish, patched.metadata.taintOwners)
                if !operations.isEmpty {
                    let taint = NodeUpdate.taint(prefix: prefix).key
                    logger.notice("taint changed", metadata: ["taint": "\(taint)", "wish": "\(wish.rawValue)"])
                }
                return
            } catch {
                switch error {
                case .invalid where attempt < 5, .conflict where attempt < 5: continue
                default: throw error
                }
            }
        }
    }

    /// Tells of a new verdict as an event of the Node.
    ///
    /// That it cannot be told is no failure of the publication.
    private func report(_ publication: Publication) async {
        guard let metadata else { return }
        let event = NodeEvent(
            node: node,
            nodeUID: metadata.uid,
            reason: publication.verdict.eventReason,
            message: String(publication.message.prefix(1024)),
            severity: [.ready, .noGPU, .leftAlone, .installing, .waiting].contains(publication.verdict)
                ? .normal : .warning,
            component: "gpu-agent",
            time: Date()
        )
        do throws(KubernetesError) {
            try await request("event") { () async throws(KubernetesError) in try await self.client.createEvent(event) }
        } catch {
            logger.warning("the event was not reported", metadata: ["error": "\(errorChain(error))"])
        }
    }

    /// Makes a request with retries, and counts how it ended.
    private func request<Value: Sendable>(
        _ verb: String,
        _ work: () async throws(KubernetesError) -> Value
    ) async throws(KubernetesError) -> Value {
        var generator = SystemRandomNumberGenerator()
        do throws(KubernetesError) {
            let value = try await retry.run(clock: ContinuousClock(), using: &generator, work)
            counts[Request(verb: verb, outcome: "ok"), default: 0] += 1
            return value
        } catch {
            counts[Request(verb: verb, outcome: "failed"), default: 0] += 1
            throw error
        }
    }
}

extension KubernetesError: CausedError {}

extension ObjectMetadata {
    fileprivate var ownerLabels: [String: String] { labels.filter { ClaimFacts.ownerLabels.contains($0.key) } }
}

extension ReadFailure {
    fileprivate init(_ error: KubernetesError) {
        let reason: Reason =
            switch error {
            case .unauthorized, .forbidden: .permission
            case .timedOut: .hang
            case .malformed: .malformed
            default: .io
            }
        self.init(reason, errorChain(error))
    }
}

extension Verdict {
    /// The reason of the event that tells of the verdict.
    fileprivate var eventReason: String {
        switch self {
        case .ready: "GPUReady"
        case .installing: "GPUInstalling"
        case .waiting: "GPUWaiting"
        case .degraded: "GPUDegraded"
        case .notReady: "GPUNotReady"
        case .noGPU: "NoGPU"
        case .leftAlone: "GPULeftAlone"
        case .unknown: "GPUUnknown"
        }
    }
}
