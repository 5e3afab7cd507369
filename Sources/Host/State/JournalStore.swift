import FoundationEssentials
package import NodeModel

/// Keeps the journal as a JSON file on the host, so that a host knows what was done to it.
package struct JournalStore: Sendable {
    package let path: HostPath
    private let root: HostRoot

    /// Without a path it is the one place of the agent's journal.
    package init(root: HostRoot, path: HostPath? = nil) {
        self.root = root
        self.path = path ?? HostPath(stringLiteral: HostLayout.journal)
    }

    /// The journal; nil when there is none.
    ///
    /// One that cannot be decoded is `malformed`.
    package func load() async throws(HostError) -> Journal? {
        try await offPool { () throws(HostError) in
            guard let bytes = try root.read(path, limit: 16 << 20) else { return nil }
            do { return try JSONDecoder().decode(Journal.self, from: EarlierNames.upgraded(Data(bytes))) } catch {
                throw .malformed(path, cause: error)
            }
        }
    }

    /// Puts the journal in the place of the old one, and returns when it is on the disk.
    package func save(_ journal: Journal) async throws(HostError) {
        try await offPool { () throws(HostError) in
            try root.makeDirectories(path.parent)
            try root.writeJSON(path, journal, mode: 0o644)
        }
    }

    /// Removes what agents that were killed while they saved left beside the journal; only for the host's lock's holder.
    package func removeDrafts() async throws(HostError) {
        try await offPool { () throws(HostError) in try root.removeDrafts(of: path) }
    }

    /// Moves a malformed journal aside, to `journal.json.bad`, so that a new one can be begun and it can be looked at.
    @discardableResult
    package func quarantine() async throws(HostError) -> HostPath {
        let bad = path.parent.appending("\(path.lastComponent).bad")
        try await offPool { () throws(HostError) in try root.rename(path, to: bad) }
        return bad
    }
}

extension HostRoot {
    /// Writes a value as JSON that a person can read, its keys in a fixed order.
    func writeJSON(_ path: HostPath, _ value: some Encodable, mode: UInt32) throws(HostError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let bytes: Data
        do { bytes = try encoder.encode(value) } catch { throw .malformed(path, cause: error) }
        try writeAtomically(path, contents: Array(bytes) + [UInt8(ascii: "\n")], mode: mode)
    }
}
