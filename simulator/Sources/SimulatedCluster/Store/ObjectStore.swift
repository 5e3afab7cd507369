/// The key of an object.
public struct ObjectKey: Sendable, Hashable {
    public var resource: String
    public var namespace: String?
    public var name: String

    public init(resource: String, namespace: String? = nil, name: String) {
        self.resource = resource
        self.namespace = namespace
        self.name = name
    }

    /// The place of the object among those of its resource, as etcd orders them.
    var place: String { (namespace.map { "/\($0)" } ?? "") + "/\(name)" }
}

/// A change of an object, as watches report it.
public struct Change: Sendable {
    public var version: Int
    public var key: ObjectKey
    /// The object before the change; nil when the change created it.
    public var old: JSON?
    /// The object after the change; nil when the change deleted it.
    public var new: JSON?
}

/// Stores all objects, their versions, and the recent changes, as etcd and the watch cache of the real server do.
public actor ObjectStore {
    var objects: [ObjectKey: JSON] = [:]
    var version = 1
    /// The file that has the objects, too; nil for none.
    var file: String?
    private var history: [Change] = []
    private let historyLimit: Int
    private var watchers: [Int: AsyncStream<WatchSignal>.Continuation] = [:]
    /// The watches of one object, and under nil those of more than one.
    ///
    /// With an agent on each of thousands of nodes, a change must not wake all of their watches.
    private var interested: [ObjectKey?: Set<Int>] = [:]
    private var nextWatcher = 0
    private var allowsWatches = true

    public init(historyLimit: Int) { self.historyLimit = historyLimit }

    /// The resource version of the last change.
    public var currentVersion: Int { version }

    public func object(_ key: ObjectKey) -> JSON? { objects[key] }

    /// Lists the objects of a resource in the order of their places, with the resource version of the list.
    public func list(_ resource: String, namespace: String?) -> (objects: [JSON], version: Int) {
        (Self.sorted(objects, resource, namespace), version)
    }

    /// Lists the objects as they were at an earlier version; nil for the current one.
    ///
    /// - Throws: 410 when the store no longer has all changes after the version.
    func list(
        _ resource: String,
        namespace: String?,
        at known: Int?
    ) throws(APIFailure) -> (objects: [JSON], version: Int) {
        guard let known else { return list(resource, namespace: namespace) }
        guard known >= oldestVersion else { throw .expiredList }
        var earlier = objects
        for change in history.reversed() where change.version > known { earlier[change.key] = change.old }
        return (Self.sorted(earlier, resource, namespace), known)
    }

    private static func sorted(_ objects: [ObjectKey: JSON], _ resource: String, _ namespace: String?) -> [JSON] {
        let keys = objects.keys.filter { $0.resource == resource && (namespace ?? $0.namespace) == $0.namespace }
        return keys.sorted { $0.place < $1.place }.compactMap { objects[$0] }
    }

    /// The oldest version after which the store has all changes.
    private var oldestVersion: Int { history.first.map { $0.version - 1 } ?? version }

    /// Throws when an admission policy denies a write with these objects before and after it.
    typealias Admission = @Sendable (_ old: JSON?, _ new: JSON?) async throws(APIFailure) -> Void

    /// Changes an object; when the result is equal to the current object, nothing changes.
    ///
    /// - Parameters:
    ///   - key: The object.
    ///   - dryRun: Whether to return the result without storing it.
    ///   - transform: Computes the new object from the current one, which is nil when it does not exist.
    /// - Returns: The object, and whether it is new.
    /// - Throws: The error of the transform.
    public func write(
        _ key: ObjectKey,
        dryRun: Bool = false,
        _ transform: @Sendable (JSON?) throws(APIFailure) -> JSON
    ) throws(APIFailure) -> (object: JSON, created: Bool) {
        let old = objects[key]
        return try store(try Self.changed(old, transform), replacing: old, at: key, dryRun: dryRun)
    }

    /// Changes an object as the other `write` does, when the admission policies allow it.
    ///
    /// Like the real server, it computes the object again when somebody else changed it during the admission.
    func write(
        _ key: ObjectKey,
        dryRun: Bool = false,
        admission: Admission?,
        _ transform: @Sendable (JSON?) throws(APIFailure) -> JSON
    ) async throws(APIFailure) -> (object: JSON, created: Bool) {
        while true {
            let old = objects[key]
            let new = try Self.changed(old, transform)
            try await admission?(old, new)
            guard objects[key] == old else { continue }
            return try store(new, replacing: old, at: key, dryRun: dryRun)
        }
    }

    private static func changed(
        _ old: JSON?,
        _ transform: @Sendable (JSON?) throws(APIFailure) -> JSON
    ) throws(APIFailure) -> JSON {
        var new = try transform(old)
        new["metadata"]?["resourceVersion"] = old?[path: ["metadata", "resourceVersion"]]
        return new
    }

    private func store(
        _ changed: JSON,
        replacing old: JSON?,
        at key: ObjectKey,
        dryRun: Bool
    ) throws(APIFailure) -> (object: JSON, created: Bool) {
        var new = changed
        guard new != old, !dryRun else { return (new, old == nil) }
        version += 1
        new["metadata"]?["resourceVersion"] = .string(String(version))
        objects[key] = new
        publish(Change(version: version, key: key, old: old, new: new))
        return (new, old == nil)
    }

    /// Deletes an object.
    ///
    /// - Parameters:
    ///   - key: The object.
    ///   - admission: Throws when an admission policy denies the deletion.
    ///   - check: Gets the current object, and throws when it must not be deleted.
    /// - Returns: The last state of the object; nil when it did not exist.
    /// - Throws: The error of the check.
    func delete(
        _ key: ObjectKey,
        admission: Admission?,
        _ check: @Sendable (JSON) throws(APIFailure) -> Void
    ) async throws(APIFailure) -> JSON? {
        guard var old = objects[key] else { return nil }
        while true {
            try check(old)
            try await admission?(old, nil)
            guard let now = objects[key] else { return nil }
            if now == old { break }
            old = now
        }
        return remove(old, at: key)
    }

    /// Changes or deletes an object by a rule that sees other objects at the same instant.
    ///
    /// - Parameters:
    ///   - key: The object.
    ///   - dryRun: Whether to only check the rule.
    ///   - rule: Computes the new object from the current one, which is nil when it does not exist, and from the lists
    ///     of other resources in its namespace. When the result is nil, the object is deleted.
    /// - Throws: The error of the rule.
    func settle(
        _ key: ObjectKey,
        dryRun: Bool,
        _ rule: (JSON?, _ list: (Resource) -> [JSON]) throws(APIFailure) -> JSON?
    ) throws(APIFailure) {
        let old = objects[key]
        let new = try rule(old) { list($0.plural, namespace: key.namespace).objects }
        guard !dryRun, let old else { return }
        if let new { _ = try store(new, replacing: old, at: key, dryRun: false) } else { remove(old, at: key) }
    }

    @discardableResult
    private func remove(_ old: JSON, at key: ObjectKey) -> JSON {
        objects[key] = nil
        version += 1
        var last = old
        // The real server reports a deleted object with the resource version of its deletion.
        last["metadata"]?["resourceVersion"] = .string(String(version))
        publish(Change(version: version, key: key, old: last, new: nil))
        return last
    }

    private func publish(_ change: Change) {
        history.append(change)
        if history.count > historyLimit { history.removeFirst(history.count - historyLimit) }
        for id in (interested[change.key] ?? []).union(interested[nil] ?? []) { watchers[id]?.yield(.change(change)) }
        // An error while writing the file must not fail the request.
        try? save()
    }

    /// Removes all recorded changes, as a compaction does.
    ///
    /// A watch can then no longer start from an older version.
    public func compact() { history.removeAll() }
}

extension ObjectStore {
    /// Sends all changes after a version to a watch, beginning with the past changes.
    ///
    /// - Parameters:
    ///   - known: The version that the client has; nil to start with the current objects.
    ///   - only: The only object that the watch reports; nil when it can report others.
    ///   - watcher: The stream that receives the changes.
    /// - Returns: The ID of the subscription, and the version at which it started.
    /// - Throws: 410 when the store no longer has all changes after the version.
    func subscribe(
        from known: Int?,
        only: ObjectKey? = nil,
        _ watcher: AsyncStream<WatchSignal>.Continuation
    ) throws(APIFailure) -> (id: Int, version: Int) {
        if let known {
            guard known >= oldestVersion else { throw .expired(known, oldest: oldestVersion) }
            for change in history where change.version > known && (only ?? change.key) == change.key {
                watcher.yield(.change(change))
            }
        } else {
            let wanted = objects.filter { (only ?? $0.key) == $0.key }
            for (key, object) in wanted.sorted(by: { $0.key.name < $1.key.name }) {
                watcher.yield(.change(Change(version: version, key: key, old: nil, new: object)))
            }
        }
        nextWatcher += 1
        if allowsWatches {
            watchers[nextWatcher] = watcher
            interested[only, default: []].insert(nextWatcher)
        } else {
            watcher.finish()
        }
        return (nextWatcher, version)
    }

    /// Ends a subscription with the object that it was made for.
    func unsubscribe(_ id: Int, only: ObjectKey?) {
        watchers[id] = nil
        interested[only]?.remove(id)
        if interested[only]?.isEmpty == true { interested[only] = nil }
    }

    /// The number of open watches.
    public var openWatches: Int { watchers.count }

    /// Sets whether watches can be open; false ends the open ones.
    func allowWatches(_ allowed: Bool) {
        allowsWatches = allowed
        if !allowed { endWatches() }
    }

    /// Ends all open watches, as a restart of the server does.
    public func endWatches() {
        for watcher in watchers.values { watcher.finish() }
        watchers.removeAll()
        interested.removeAll()
    }
}

/// A signal to an open watch.
enum WatchSignal: Sendable {
    case change(Change)
    /// All changes up to this version have been sent.
    case bookmark(version: Int)
    case failed(APIFailure)
}
