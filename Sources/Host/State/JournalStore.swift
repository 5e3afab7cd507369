import FoundationEssentials
package import NodeModel
import SystemPackage

/// Stores the journal as a JSON file on the host.
///
/// It records what the agent changed there.
package struct JournalStore: Sendable {
    package let path: HostPath
    private let root: HostRoot

    /// - Parameters:
    ///   - root: The host's root directory.
    ///   - path: Where the journal is; nil for the usual place.
    package init(root: HostRoot, path: HostPath? = nil) {
        self.root = root
        self.path = path ?? HostPath(stringLiteral: HostLayout.journal)
    }

    /// Reads the journal; nil when there is none.
    ///
    /// - Throws: `malformed` when the file is not a journal, `newer` when a newer version of the agent wrote it.
    package func load() async throws(HostError) -> Journal? {
        try await offPool { () throws(HostError) in
            guard let bytes = try read() else { return nil }
            let journal: Journal
            do { journal = try JSONDecoder().decode(Journal.self, from: EarlierNames.upgraded(Data(bytes))) } catch {
                throw .malformed(path, cause: error)
            }
            if let sign = journal.signOfNewerVersion { throw .newer(path, sign) }
            return journal
        }
    }

    private func read() throws(HostError) -> [UInt8]? {
        do throws(HostError) { return try root.readOwn(path, limit: Self.limit) } catch {
            switch error {
            // Nothing of this can become a journal again, unlike a file that cannot be read now.
            case .notAFile, .tooLarge, .notOwn, .file(_, _, .tooManySymbolicLinkLevels):
                throw .malformed(path, cause: error)
            default: throw error
            }
        }
    }

    /// The largest journal that is read, in bytes; a journal has less than a hundredth of it.
    private static let limit = 16 << 20

    /// Replaces the journal and returns when it is on the disk.
    package func save(_ journal: Journal) async throws(HostError) {
        try await offPool { () throws(HostError) in
            try root.makeDirectories(path.parent)
            // Messages of installers and servers may contain what only root should see.
            try root.writeJSON(path, journal, mode: 0o600)
        }
    }

    /// Removes temporary files of agents that were killed while they saved.
    ///
    /// Only the holder of the host's lock may call this.
    package func removeDrafts() async throws(HostError) {
        try await offPool { () throws(HostError) in try root.removeDrafts(of: path) }
    }

    /// Renames a malformed journal to `journal.json.bad`, so that it can be examined and a new one can be written.
    ///
    /// - Returns: The new path.
    @discardableResult
    package func quarantine() async throws(HostError) -> HostPath {
        try await offPool { () throws(HostError) in try root.putAside(path) }
    }
}

extension HostRoot {
    /// Writes a value as indented JSON with sorted keys.
    func writeJSON(_ path: HostPath, _ value: some Encodable, mode: UInt32) throws(HostError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let bytes: Data
        do { bytes = try encoder.encode(value) } catch { throw .malformed(path, cause: error) }
        try writeAtomically(path, contents: Array(bytes) + [UInt8(ascii: "\n")], mode: mode)
    }
}
