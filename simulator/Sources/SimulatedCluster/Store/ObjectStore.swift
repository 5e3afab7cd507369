/// Where one object is kept.
public struct ObjectKey: Sendable, Hashable {
    public var resource: String
    public var namespace: String?
    public var name: String

    public init(resource: String, namespace: String? = nil, name: String) {
        self.resource = resource
        self.namespace = namespace
        self.name = name
    }
}

/// One change of one object, as watches see it.
public struct Change: Sendable {
    public var version: Int
    public var key: ObjectKey
    /// The object before; nil when it was created.
    public var old: JSON?
    /// The object after; nil when it was deleted.
    public var new: JSON?
}

/// All objects, their versions, and the recent changes: what etcd and the watch cache are to the real server.
public actor ObjectStore {
    private var objects: [ObjectKey: JSON] = [:]
    private var version = 1
    private var history: [Change] = []
    private let historyLimit: Int
    private var watchers: [Int: AsyncStream<WatchSignal>.Continuation] = [:]
    private var nextWatcher = 0
    private var allowsWatches = true

    public init(historyLimit: Int) { self.historyLimit = historyLimit }

    /// The version of the last change.
    public var currentVersion: Int { version }

    public func object(_ key: ObjectKey) -> JSON? { objects[key] }

    /// All objects of a resource, sorted by namespace and name, with the version they are of.
    public func list(_ resource: String, namespace: String?) -> (objects: [JSON], version: Int) {
        let keys = objects.keys.filter { $0.resource == resource && (namespace ?? $0.namespace) == $0.namespace }
        let sorted = keys.sorted { ($0.namespace ?? "", $0.name) < ($1.namespace ?? "", $1.name) }
        return (sorted.compactMap { objects[$0] }, version)
    }

    /// Changes one object, or leaves everything as it is when the result is the same.
    ///
    /// - Parameters:
    ///   - key: The object.
    ///   - dryRun: Give the result and keep nothing.
    ///   - transform: The new object, from the live one if there is one.
    /// - Returns: The object, and whether it is new.
    /// - Throws: Whatever the transform throws.
    public func write(
        _ key: ObjectKey,
        dryRun: Bool = false,
        _ transform: @Sendable (JSON?) throws(APIFailure) -> JSON
    ) throws(APIFailure) -> (object: JSON, created: Bool) {
        let old = objects[key]
        var new = try transform(old)
        new["metadata"]?["resourceVersion"] = old?[path: ["metadata", "resourceVersion"]]
        guard new != old, !dryRun else { return (new, old == nil) }
        version += 1
        new["metadata"]?["resourceVersion"] = .string(String(version))
        objects[key] = new
        publish(Change(version: version, key: key, old: old, new: new))
        return (new, old == nil)
    }

    /// Removes one object.
    ///
    /// - Parameters:
    ///   - key: The object.
    ///   - check: Looks at the live object, and throws when it must stay.
    /// - Returns: Its last state; nil when it was not there.
    /// - Throws: Whatever the check throws.
    public func delete(
        _ key: ObjectKey,
        _ check: @Sendable (JSON) throws(APIFailure) -> Void = { _ throws(APIFailure) in }
    ) throws(APIFailure) -> JSON? {
        guard let old = objects[key] else { return nil }
        try check(old)
        objects[key] = nil
        version += 1
        var last = old
        // The real server reports a deleted object with the version of its deletion.
        last["metadata"]?["resourceVersion"] = .string(String(version))
        publish(Change(version: version, key: key, old: last, new: nil))
        return last
    }

    private func publish(_ change: Change) {
        history.append(change)
        if history.count > historyLimit { history.removeFirst(history.count - historyLimit) }
        for watcher in watchers.values { watcher.yield(.change(change)) }
    }

    /// Forgets all changes so far, as compaction does: older versions can no longer be watched from.
    public func compact() { history.removeAll() }
}

extension ObjectStore {
    /// Sends all changes after a version to a watch, first the past ones.
    ///
    /// - Parameters:
    ///   - known: The version that the watcher knows; nil for whatever is there now.
    ///   - watcher: Where the changes go.
    /// - Returns: A number to end the subscription with, and the version that it began at.
    /// - Throws: 410 when changes after the version have been forgotten.
    func subscribe(
        from known: Int?,
        _ watcher: AsyncStream<WatchSignal>.Continuation
    ) throws(APIFailure) -> (id: Int, version: Int) {
        if let known {
            let oldest = history.first?.version ?? version + 1
            guard known >= oldest - 1 else { throw .expired(known, oldest: oldest - 1) }
            for change in history where change.version > known { watcher.yield(.change(change)) }
        } else {
            for (key, object) in objects.sorted(by: { $0.key.name < $1.key.name }) {
                watcher.yield(.change(Change(version: version, key: key, old: nil, new: object)))
            }
        }
        nextWatcher += 1
        if allowsWatches { watchers[nextWatcher] = watcher } else { watcher.finish() }
        return (nextWatcher, version)
    }

    func unsubscribe(_ id: Int) { watchers[id] = nil }

    /// How many watches are open.
    public var openWatches: Int { watchers.count }

    /// Says whether watches may stay open; if not, those that are end.
    func allowWatches(_ allowed: Bool) {
        allowsWatches = allowed
        if !allowed { endWatches() }
    }

    /// Ends all open watches, as a server does that restarts.
    public func endWatches() {
        for watcher in watchers.values { watcher.finish() }
        watchers.removeAll()
    }
}

/// What a watch has to do next.
enum WatchSignal: Sendable {
    case change(Change)
    case bookmark
    case failed(APIFailure)
}
