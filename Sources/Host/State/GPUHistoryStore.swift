import FoundationEssentials
package import NodeModel

/// Stores the errors of the GPUs as a JSON file on the host, which survives reboots.
package struct GPUHistoryStore: Sendable {
    private let root: HostRoot
    package static let path = HostPath(stringLiteral: HostLayout.gpuEvents)
    private static let lock = HostPath(stringLiteral: HostLayout.gpuEventsLock)
    /// The largest file that is read, in bytes; the most events with the longest texts have a quarter of it.
    private static let limit = 1 << 20

    package init(root: HostRoot) {
        self.root = root
    }

    /// Reads the history; empty when there is no file.
    ///
    /// - Throws: `malformed` when the file is not a history.
    package func load() async throws(HostError) -> GPUHistory {
        try await offPool { () throws(HostError) in try read() }
    }

    private func read() throws(HostError) -> GPUHistory {
        guard let bytes = try root.readOwn(Self.path, limit: Self.limit) else { return GPUHistory() }
        do { return try JSONDecoder().decode(GPUHistory.self, from: Data(bytes)) } catch {
            throw .malformed(Self.path, cause: error)
        }
    }

    /// Changes the history, while no other process does so, and returns when it is on the disk.
    ///
    /// A file that is not a history is kept as `gpu-events.json.bad`. The file is written only when `change` changes
    /// the history.
    ///
    /// - Parameter change: The change. It gets the history as it is now.
    /// - Returns: What `change` returns.
    /// - Throws: `lockHeld` when another process keeps the file for five seconds.
    package func update<Value: Sendable>(
        _ change: @escaping @Sendable (inout GPUHistory) -> Value
    ) async throws(HostError) -> Value {
        try await offPool { () throws(HostError) in
            try root.locked(Self.lock) { () throws(HostError) in try changed(change) }
        }
    }

    private func changed<Value>(_ change: (inout GPUHistory) -> Value) throws(HostError) -> Value {
        var history: GPUHistory
        do throws(HostError) { history = try read() } catch {
            guard case .malformed = error else { throw error }
            try root.putAside(Self.path)
            history = GPUHistory()
        }
        let before = history
        let value = change(&history)
        guard history != before else { return value }
        try root.makeDirectories(Self.path.parent)
        try root.removeDrafts(of: Self.path)
        // The texts come from the kernel log, which users other than root may not read on every host.
        try root.writeJSON(Self.path, history, mode: 0o600)
        return value
    }
}
