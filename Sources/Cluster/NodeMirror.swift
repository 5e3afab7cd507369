package import Kubernetes
package import Logging
package import NodeModel
package import Reporting
import Support

/// The agent's one view of its Node: what it read, and what the watch has seen since.
///
/// The daemon decides by the labels in it, and the publisher compares with it before it writes. The first question reads
/// the Node's metadata; after that the watch keeps the mirror fresh, and nothing is read again without need.
package actor NodeMirror {
    package nonisolated let node: String
    /// The prefix of the agent's own labels, without the slash.
    package nonisolated let prefix: String
    private let client: KubernetesClient
    private let logger: Logger
    private let retry: RetryPolicy
    private var metadata: ObjectMetadata? {
        didSet {
            guard let metadata else { return }
            owners = .present(metadata.ownerLabels)
            lastPart = writtenPart(of: metadata)
            heardAt = .now
        }
    }
    /// The part of the Node that the agent writes to, as it was last seen; kept when the rest of the mirror is dropped.
    private var lastPart: [String]?
    /// The labels that name the owner of the driver, as they are now.
    private var owners: Reading<[String: String]> = .skipped("the Node was not read yet") {
        didSet { if let labels = owners.value { lastOwners = labels } }
    }
    /// The same labels as they were last seen, by this agent or by the one before it on this node.
    private var lastOwners: [String: String]?
    /// Whether the watch is broken, so that the mirror may be out of date.
    private var isUnwatched = false
    /// When the Node was last read, or the watch last reported it.
    private var heardAt: ContinuousClock.Instant?
    /// The last failure to read the Node, and its time: one look at the node does not ask twice.
    private var readFailure: (error: KubernetesError, at: ContinuousClock.Instant)?
    private var requests = RequestCounts()

    /// - Parameters:
    ///   - client: The client of the API server.
    ///   - node: The name of the Node.
    ///   - prefix: The prefix of the agent's own labels, without the slash.
    ///   - retry: How often one request is tried. The daemon comes back later by itself, so the default is once.
    ///   - previous: What the agent before this one left on the host; another Node's is ignored.
    ///   - logger: Where failures are logged.
    package init(
        client: KubernetesClient,
        node: String,
        prefix: String,
        retry: RetryPolicy = RetryPolicy(attempts: 1),
        previous: PublishedState? = nil,
        logger: Logger
    ) {
        self.client = client
        self.node = node
        self.prefix = prefix
        self.retry = retry
        self.logger = logger
        if let previous, previous.node == node { lastOwners = previous.ownerLabels }
    }

    /// The labels that name the owner of this node's driver.
    ///
    /// Without a watch, or when the mirror is older than `age`, the Node is read again. Where it cannot be read, the
    /// labels are unreadable, and those that were seen last stand beside that.
    ///
    /// - Parameters:
    ///   - age: How old the answer may be; nil for any age while the watch runs.
    ///   - limit: How long to wait for the API server.
    /// - Returns: The labels now, and as they were last seen.
    package func ownerLabels(
        noOlderThan age: Duration? = nil,
        within limit: Duration = .seconds(10)
    ) async -> OwnerLabels {
        let isOld = age.map { age in heardAt.map { $0 + age < .now } ?? true } ?? false
        if metadata == nil || isUnwatched || isOld {
            do throws(KubernetesError) {
                try await withDeadline(limit, subject: "get the labels of node \(node)") {
                    () async throws(KubernetesError) in _ = try await self.read()
                }
            } catch {
                logger.warning("cannot tell who owns the driver", metadata: ["error": "\(errorChain(error))"])
                owners = .unreadable(ReadFailure(error))
                readFailure = (error, .now)
                metadata = nil
            }
        }
        return knownOwners
    }

    /// The labels as the mirror has them, without a request.
    package var knownOwners: OwnerLabels { OwnerLabels(owners, last: lastOwners) }

    /// The metadata of the Node; read when the mirror has none.
    package func current() async throws(KubernetesError) -> ObjectMetadata {
        if let metadata { return metadata }
        // A failure of a moment ago is not asked for again by the same look.
        if let readFailure, readFailure.at + .seconds(2) > .now { throw readFailure.error }
        return try await read()
    }

    /// Reads the whole Node: its taints are in no metadata.
    package func whole() async throws(KubernetesError) -> Node {
        let whole = try await request("get") { client throws(KubernetesError) in try await client.node(self.node) }
        metadata = whole.metadata
        return whole
    }

    private func read() async throws(KubernetesError) -> ObjectMetadata {
        let read = try await request("get") { client throws(KubernetesError) in
            try await client.nodeMetadata(self.node)
        }
        metadata = read
        (isUnwatched, readFailure) = (false, nil)
        return read
    }

    /// Takes what the API server answered to a write.
    package func accept(_ answer: ObjectMetadata) { metadata = answer }

    /// Drops the mirror, so that the next question reads the Node again.
    package func forget() { metadata = nil }

    /// What an event of the watch means for the agent.
    package enum Change: Sendable, Equatable {
        /// Nothing that the agent decides by or writes.
        case none
        /// Labels or taints changed: compare them with what the Node should show.
        case written
        /// The owner of the driver may be another one now, or the Node is gone: decide anew.
        case owner
    }

    /// Takes what the watch saw, and says what it means.
    package func observe(_ event: NodeWatchEvent) -> Change {
        switch event {
        case .added(let new), .modified(let new):
            let before = (owners: owners.value, ours: lastPart)
            metadata = new
            lastPart = writtenPart(of: new)
            if before.owners != owners.value { return .owner }
            return before.ours == lastPart ? .none : .written
        case .deleted:
            metadata = nil
            lastPart = nil
            // The labels went with the Node: a new one of this name may have another owner.
            lastOwners = nil
            owners = .unreadable(ReadFailure(.io, "node \(node) was deleted"))
            return .owner
        case .bookmark(let version):
            metadata?.resourceVersion = version
            heardAt = .now
            return .none
        case .failed(.gone):
            metadata = nil
            return .written
        case .failed:
            isUnwatched = true
            return .none
        }
    }

    /// The version to watch from; nil before the first read.
    package var watchVersion: String? { metadata?.resourceVersion }

    /// The part of a Node that the agent writes to: its labels, and who wrote its list of taints.
    ///
    /// Labels of others count too: one that the agent left to another writer is the agent's again when it goes away.
    private func writtenPart(of metadata: ObjectMetadata) -> [String] {
        metadata.labels.map { "\($0)=\($1)" }.sorted() + metadata.taintOwners.map { "\($0)" }
    }

    /// Makes one request with the mirror's retries, and counts how it ended.
    package func request<Value: Sendable>(
        _ verb: String,
        _ work: @Sendable (KubernetesClient) async throws(KubernetesError) -> Value
    ) async throws(KubernetesError) -> Value {
        var generator = SystemRandomNumberGenerator()
        let client = client
        do throws(KubernetesError) {
            let value = try await retry.run(clock: ContinuousClock(), using: &generator) {
                () async throws(KubernetesError) in try await work(client)
            }
            requests.count(verb, "ok")
            return value
        } catch {
            requests.count(verb, "failed")
            throw error
        }
    }

    /// The requests so far, for the metrics.
    package var requestCounts: [Metrics.APIRequestCount] { requests.all }
}

/// How often each kind of request was made, and how it ended.
private struct RequestCounts {
    private struct Request: Hashable {
        var verb: String
        var outcome: String
    }

    private var counts: [Request: Int] = [:]

    mutating func count(_ verb: String, _ outcome: String) {
        counts[Request(verb: verb, outcome: outcome), default: 0] += 1
    }

    var all: [Metrics.APIRequestCount] {
        counts.map { Metrics.APIRequestCount(verb: $0.key.verb, outcome: $0.key.outcome, count: $0.value) }
            .sorted { ($0.verb, $0.outcome) < ($1.verb, $1.outcome) }
    }
}

extension NodeMirror: OwnerLabelSource {
    package func ownerLabels() async -> OwnerLabels { await ownerLabels(noOlderThan: nil) }
}

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
