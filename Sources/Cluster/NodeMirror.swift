package import Kubernetes
package import Logging
package import NodeModel
package import Reporting
package import Support

/// The agent's copy of its Node.
///
/// The daemon uses its labels for the decision, and the publisher compares its labels and taints with the publication
/// before a write. The first use reads the Node from the API server. After that the watch keeps the mirror up to date.
package actor NodeMirror {
    package nonisolated let node: String
    /// The prefix of the agent's own labels, without the slash.
    package nonisolated let prefix: String
    /// The types of the agent's conditions; empty when it publishes none.
    private let conditionTypes: Set<String>
    private let client: KubernetesClient
    private let logger: Logger
    private let retry: RetryPolicy
    private let patience: Duration
    private(set) var copy: Node? {
        didSet {
            guard let copy else { return }
            owners = .present(copy.metadata.ownerLabels)
            lastPart = WrittenPart(copy, conditionTypes, prefix: prefix)
            (lastDevices, lastMIG) = (copy.devices, migRequest)
            selection.note(copy.metadata.labels)
            heardAt = .now
        }
    }
    /// The last known part of the Node that the agent writes to, which stays when the copy is dropped.
    private var lastPart: WrittenPart?
    /// What the Node last said about the devices that pods can ask for, which stays when the copy is dropped.
    private(set) var lastDevices: OfferedDevices?
    /// What the labels last said about the MIG layout.
    private(set) var lastMIG: MIGRequest?
    /// The labels that select a pool, which stay when the copy is dropped.
    private var selection: SelectionWatch
    /// The current labels that name the driver owner.
    private var owners: Reading<[String: String]> = .skipped("the Node has not been read yet") {
        didSet { if let labels = owners.value { lastOwners = labels } }
    }
    /// The same labels as last read by this process or by an earlier agent on this node.
    private var lastOwners: [String: String]?
    /// Whether the watch has failed, so that the mirror can be out of date.
    private var isUnwatched = false
    /// The time of the last read or of the last event of the watch.
    private var heardAt: ContinuousClock.Instant?
    /// The last error of reading the Node, and its time, so that one pass does not repeat the request.
    private var readFailure: (error: KubernetesError, at: ContinuousClock.Instant)?
    private var requests = RequestCounts()
    /// The requests since the last successful publication.
    private var budget = RequestBudget()
    /// The requests since the last success after a failure, which limit the watches while they fail.
    private var recent = RequestBudget()

    /// - Parameters:
    ///   - client: The client of the API server.
    ///   - node: The name of the Node.
    ///   - prefix: The prefix of the agent's own labels, without the slash.
    ///   - conditions: The types of the agent's conditions; nil when it publishes none.
    ///   - retry: The policy for each request. The daemon repeats failed requests itself, so the default is 1 attempt.
    ///   - patience: How long the reader of the owner labels waits for the API server.
    ///   - selectorKeys: The keys of the labels that select a pool of the configuration; empty without pools.
    ///   - previous: The state that an earlier agent left on the host. The state of another Node is ignored.
    ///   - logger: The logger for errors.
    package init(
        client: KubernetesClient,
        node: String,
        prefix: String,
        conditions: ConditionTypes? = ConditionTypes(),
        retry: RetryPolicy = RetryPolicy(attempts: 1),
        patience: Duration = .seconds(10),
        selectorKeys: Set<String> = [],
        previous: PublishedState? = nil,
        logger: Logger
    ) {
        self.client = client
        self.node = node
        self.prefix = prefix
        conditionTypes = Set(conditions?.all ?? [])
        self.retry = retry
        self.patience = patience
        selection = SelectionWatch(keys: selectorKeys)
        self.logger = logger
        if let previous, previous.node == node { lastOwners = previous.ownerLabels }
    }

    /// The labels that name the owner of this node's driver.
    ///
    /// It reads the Node again when the watch has failed or when the mirror is older than `age`. When the Node cannot
    /// be read, the current labels are unreadable, and the result still contains the last known labels.
    ///
    /// - Parameters:
    ///   - age: The maximum age of the labels; nil for any age while the watch runs.
    ///   - limit: How long to wait for the API server; nil for the patience of the mirror.
    /// - Returns: The current labels and the last known labels.
    package func ownerLabels(
        noOlderThan age: Duration? = nil,
        within limit: Duration? = nil
    ) async -> OwnerLabels {
        let isOld = age.map { age in heardAt.map { $0 + age < .now } ?? true } ?? false
        // A failed read is not repeated without limit, no matter how many events wake the daemon. Half of the budget is
        // left for the publisher.
        let isSpent = readFailure != nil && budget.delay(for: RequestBudget.perWindow / 2, at: .now) > .zero
        if copy == nil || isUnwatched || isOld, !isSpent {
            do throws(KubernetesError) {
                try await withDeadline(limit ?? patience, subject: "reading the labels of node \(node)") {
                    () async throws(KubernetesError) in _ = try await self.read()
                }
            } catch  where error.isCancellation {
                // The agent ends. The labels that it knows stay for the commands on the node.
            } catch {
                logger.warning("cannot read the owner labels of the Node", metadata: ["error": "\(errorChain(error))"])
                owners = .unreadable(ReadFailure(error))
                readFailure = (error, .now)
                copy = nil
            }
        }
        return knownOwners
    }

    /// The labels in the mirror, without a request.
    package var knownOwners: OwnerLabels {
        let unknown: Reading<OfferedDevices> = owners.flatMap { _ in .skipped("the Node must be read again") }
        return OwnerLabels(owners, last: lastOwners, devices: copy.map { .present($0.devices) } ?? unknown)
    }

    /// The labels that select a pool, as last read; nil without pools, and before the first read.
    package var selected: SelectedLabels? { selection.selected }

    /// The MIG layout that the labels in the mirror name, without a request; nil when the Node is not known.
    package var migRequest: MIGRequest? {
        guard let metadata = copy?.metadata else { return nil }
        let owners = metadata.owners(of: ["metadata", "labels", MIGRequest.stateKey]).map(\.manager)
        return MIGRequest(
            layout: metadata.labels[MIGRequest.layoutKey],
            stateOwners: Set(owners).subtracting([NodeUpdate.fieldManager]).sorted(),
            managerLabel: metadata.labels[MIGRequest.managerKey]
        )
    }

    /// The Node, which is read when the mirror has no copy or when the watch has failed.
    package func current() async throws(KubernetesError) -> Node {
        if let copy, !isUnwatched { return copy }
        // The same pass does not repeat a request that has just failed.
        if let readFailure, readFailure.at + .seconds(2) > .now { throw readFailure.error }
        return try await read()
    }

    /// Reads the Node from the API server.
    package func read() async throws(KubernetesError) -> Node {
        let read = try await request("get") { client throws(KubernetesError) in try await client.node(self.node) }
        copy = read
        (isUnwatched, readFailure) = (false, nil)
        return read
    }

    /// Stores the Node in the API server's response to a write.
    package func accept(_ answer: Node) { copy = answer }

    /// Rings a bell now, and whenever a label changes that selects a pool; it takes the place of an earlier bell.
    package func ringOnSelection(_ bell: Bell) { selection.ring(bell) }

    /// Drops the copy, so that the next use reads the Node again.
    package func forget() { copy = nil }

    /// What an event of the watch changes for the agent.
    package enum Change: Sendable, Equatable {
        /// Nothing that the agent uses for the decision or writes.
        case none
        /// Labels, annotations, taints or conditions, which must be compared with the publication, or the watch failed.
        case written
        /// What the device plugin offers, or the label with its configuration, which only the checks use.
        case devices
        /// The labels of the driver owner or of the MIG layout, or the Node was deleted, so a new decision is necessary.
        case owner
    }

    /// Updates the mirror with an event of the watch and returns what changed.
    package func observe(_ event: NodeWatchEvent) -> Change {
        switch event {
        case .added(let new), .modified(let new):
            let before = (owners: owners.value, ours: lastPart, mig: migRequest, devices: lastDevices)
            copy = new
            if before.owners != owners.value || before.mig != migRequest { return .owner }
            // The inspection that follows publishes, and so compares the written part, too.
            if before.devices != lastDevices { return .devices }
            return before.ours == lastPart ? .none : .written
        case .deleted:
            copy = nil
            (lastPart, lastDevices, lastMIG) = (nil, nil, nil)
            // The labels were deleted with the Node. A new Node with the same name can have another driver owner.
            lastOwners = nil
            owners = .unreadable(ReadFailure(.io, "node \(node) was deleted"))
            return .owner
        case .bookmark(let version):
            copy?.metadata.resourceVersion = version
            heardAt = .now
            return .none
        case .failed(.gone):
            copy = nil
            return .written
        case .failed:
            // The publisher reads the Node again, so that it notices soon when the API server is away.
            isUnwatched = true
            return .written
        }
    }

    /// The resource version from which to watch; nil while the watch must wait.
    ///
    /// It waits for the first read. After a failed watch, it also waits until it has room among the requests of this
    /// minute, together with the read of the Node when it fails again. A publication can succeed while every watch
    /// fails, so successful requests count, too.
    package func watchVersion(afterFailure: Bool = false) -> String? {
        guard !afterFailure || recent.delay(for: 2, at: .now) == .zero else { return nil }
        return copy?.metadata.resourceVersion
    }

    /// Makes one request with the mirror's retry policy and counts its outcome.
    package func request<Value: Sendable>(
        _ verb: String,
        _ work: @Sendable (KubernetesClient) async throws(KubernetesError) -> Value
    ) async throws(KubernetesError) -> Value {
        var generator = SystemRandomNumberGenerator()
        let client = client
        let began = ContinuousClock.now
        spend(at: began)
        do throws(KubernetesError) {
            let value = try await retry.run(clock: ContinuousClock(), using: &generator) {
                () async throws(KubernetesError) in try await work(client)
            }
            requests.count(verb, "ok")
            return value
        } catch {
            requests.count(verb, "failed")
            if !error.isSent {
                budget.refund(began)
                recent.refund(began)
            }
            throw error
        }
    }

    private func spend(at time: ContinuousClock.Instant) {
        budget.spend(at: time)
        recent.spend(at: time)
    }

    /// Counts a watch, which the watcher starts itself.
    package func watchStarts() { spend(at: .now) }

    /// The time until the budget of a failing agent has room for this number of requests.
    package func delay(forRequests count: Int) -> Duration { budget.delay(for: count, at: .now) }

    /// Gives the agent its whole budget again after a successful publication.
    ///
    /// - Parameter isFirst: Whether it is the first one after a failure. The next watch then has to wait for nothing.
    package func published(isFirst: Bool = false) {
        budget.reset()
        if isFirst { recent.reset() }
    }

    /// The number of requests by verb and outcome, for the metrics.
    package var requestCounts: [Metrics.APIRequestCount] { requests.all }
}

extension NodeMirror: OwnerLabelSource {
    package func ownerLabels() async -> OwnerLabels { await ownerLabels(noOlderThan: nil) }
}
