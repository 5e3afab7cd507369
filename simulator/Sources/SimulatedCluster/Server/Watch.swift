/// A watch request: what to report, and for how long.
public struct WatchPlan: Sendable {
    let store: ObjectStore
    let resource: Resource
    let namespace: String?
    let selection: Selection
    let form: AnswerForm
    /// The resource version that the client has; nil for none.
    let from: Int?
    let timeout: Duration
    /// How often the client gets a bookmark; nil when it does not want bookmarks.
    let bookmarkInterval: Duration?
    /// The number of bytes of the first event after which the connection closes; nil for a watch without this fault.
    var cut: Int?

    /// Starts the watch.
    func open() async -> WatchSession {
        let (signals, continuation) = AsyncStream<WatchSignal>.makeStream()
        do throws(APIFailure) {
            let (id, version) = try await store.subscribe(from: from, only: object, continuation)
            let timers = timers(continuation)
            let (store, object) = (store, object)
            continuation.onTermination = { _ in
                timers.cancel()
                Task { await store.unsubscribe(id, only: object) }
            }
            return WatchSession(plan: self, signals: signals, version: version)
        } catch {
            // After the response header, the real server reports an error as an event.
            continuation.yield(.failed(error))
            continuation.finish()
            return WatchSession(plan: self, signals: signals, version: 0)
        }
    }

    /// The only object that the watch can report; nil when it can report others.
    ///
    /// An object that leaves the selection is still reported once, so only the name can narrow the watch.
    private var object: ObjectKey? {
        guard let name = selection.fields.only("metadata.name"), resource.isNamespaced == (namespace != nil) else {
            return nil
        }
        return ObjectKey(resource: resource.plural, namespace: namespace, name: name)
    }

    /// Requests bookmarks at an interval, and once before the end.
    private func timers(_ signals: AsyncStream<WatchSignal>.Continuation) -> Task<Void, Never> {
        Task {
            let clock = ContinuousClock()
            let end = clock.now + timeout
            while let bookmarkInterval, clock.now + bookmarkInterval < end {
                guard (try? await clock.sleep(for: bookmarkInterval)) != nil else { return }
                signals.yield(.bookmark(version: await store.currentVersion))
            }
            guard (try? await clock.sleep(until: end)) != nil else { return }
            if bookmarkInterval != nil { signals.yield(.bookmark(version: await store.currentVersion)) }
            signals.finish()
        }
    }

    /// The event that this watch reports for a change.
    ///
    /// An object that leaves the selection is reported as deleted, and one that enters it as added.
    fileprivate func event(_ change: Change) -> JSON? {
        guard change.key.resource == resource.plural, (namespace ?? change.key.namespace) == change.key.namespace else {
            return nil
        }
        let old = change.old.flatMap { selection.matches($0) ? $0 : nil }
        let new = change.new.flatMap { selection.matches($0) ? $0 : nil }
        switch (old, new) {
        case (.none, .none): return nil
        case (.none, .some(let object)): return event("ADDED", form.object(object, of: resource))
        case (.some, .some(let object)): return event("MODIFIED", form.object(object, of: resource))
        case (.some(let object), .none): return event("DELETED", form.object(change.new ?? object, of: resource))
        }
    }

    fileprivate func event(_ type: String, _ object: JSON) -> JSON {
        ["type": .string(type), "object": object]
    }

    fileprivate func bookmark(_ version: Int) -> JSON {
        let metadata: JSON = ["resourceVersion": .string(String(version)), "creationTimestamp": .null]
        let object: JSON = [
            "kind": .string(resource.kind), "apiVersion": .string(resource.groupVersion), "metadata": metadata,
        ]
        return form.object(object, of: resource)
    }
}

/// A watch that has started.
struct WatchSession {
    fileprivate let plan: WatchPlan
    /// The signals to the watch; the watch ends when the stream ends.
    let signals: AsyncStream<WatchSignal>
    /// The resource version of the last change so far.
    fileprivate var version: Int

    /// The event that the client gets for a signal; nil for no event.
    mutating func event(for signal: WatchSignal) -> JSON? {
        switch signal {
        case .change(let change):
            version = max(version, change.version)
            return plan.event(change)
        case .bookmark(let sent):
            version = max(version, sent)
            return plan.event("BOOKMARK", plan.bookmark(version))
        case .failed(let failure): return plan.event("ERROR", failure.json)
        }
    }
}
