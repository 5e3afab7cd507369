import FoundationEssentials
import NodeModel

/// Makes on the host what the pods of the GPU Operator wait for, and takes it away again.
///
/// It changes and removes only what it made itself, which a record tells. A file of somebody else stays, and so does one
/// that somebody else put in the place of its own.
package struct HandoverStore: Sendable {
    /// What a change of the host did.
    package struct Outcome: Sendable, Equatable {
        /// The paths that were made.
        package var made: [String] = []
        /// The paths that were taken away.
        package var withdrawn: [String] = []
        /// The paths that should be made, and that somebody else has.
        package var foreign: [String] = []

        package init() {}
    }

    package static let validations: HostPath = "/run/nvidia/validations"
    private static let recordFile = HostPath(stringLiteral: HostLayout.handover)
    private static let lock = HostPath(stringLiteral: HostLayout.handoverLock)

    let root: HostRoot

    package init(root: HostRoot) {
        self.root = root
    }

    /// Whether something on the node mounts the directory of the files.
    package func hasReaders() async throws(HostError) -> Bool {
        try await offPool { () throws(HostError) in try root.isDirectory(Self.validations) }
    }

    /// Makes the host look as it should.
    ///
    /// - Parameters:
    ///   - files: The content of each file that should exist, by name.
    ///   - kept: The names of the files that stay as they are.
    /// - Returns: What was done.
    /// - Throws: The error of the first file that cannot be made or taken away.
    package func apply(
        _ files: [String: String],
        keeping kept: Set<String> = []
    ) async throws(HostError) -> Outcome {
        if files.isEmpty, !(try await hasRecord()) { return Outcome() }
        return try await changing { (record) throws(HostError) in
            var outcome = Outcome()
            try withdraw(from: &record, files, kept, &outcome)
            try make(files, &record, &outcome)
            return outcome
        }
    }

    /// Takes away everything that the agent made.
    package func withdraw() async throws(HostError) -> Outcome { try await apply([:]) }

    // MARK: Files

    private func withdraw(
        from record: inout HandoverRecord,
        _ files: [String: String],
        _ kept: Set<String>,
        _ outcome: inout Outcome
    ) throws(HostError) {
        for (name, file) in record.files.sorted(by: { $0.key < $1.key }) {
            guard files[name] != file.content, files[name] != nil || !kept.contains(name) else { continue }
            let path = try Self.validations.entry(name)
            try root.removeDrafts(of: path)
            if try isOwn(path, file) {
                try root.remove(path)
                outcome.withdrawn.append(path.text)
            }
            record.files[name] = nil
            try save(record)
        }
    }

    private func make(
        _ files: [String: String],
        _ record: inout HandoverRecord,
        _ outcome: inout Outcome
    ) throws(HostError) {
        guard !files.isEmpty else { return }
        try root.makeDirectories(Self.validations)
        for (name, content) in files.sorted(by: { $0.key < $1.key }) {
            let path = try Self.validations.entry(name)
            if let file = record.files[name], try isOwn(path, file) { continue }
            if try root.status(path, followLink: false) != nil {
                try give(up: name, &record)
                outcome.foreign.append(path.text)
                continue
            }
            try root.removeDrafts(of: path)
            // An agent that was killed between the two would leave a file that nobody removes.
            let isMade = try root.createNew(path, contents: Array(content.utf8)) { (identity) throws(HostError) in
                record.files[name] = .init(device: identity.device, inode: identity.inode, content: content)
                try save(record)
            }
            if isMade {
                outcome.made.append(path.text)
            } else {
                try give(up: name, &record)
                outcome.foreign.append(path.text)
            }
        }
    }

    /// Records that a file is somebody else's; each look finds such a file again, and writes nothing then.
    private func give(up name: String, _ record: inout HandoverRecord) throws(HostError) {
        guard record.files.removeValue(forKey: name) != nil else { return }
        try save(record)
    }

    private func isOwn(_ path: HostPath, _ file: HandoverRecord.File) throws(HostError) -> Bool {
        guard let status = try root.status(path, followLink: false), status.kind == .file,
            file.isSame(status.identity), status.size == file.content.utf8.count
        else { return false }
        return try root.text(path) == file.content
    }

    // MARK: The record

    /// Reads the record, while no other process of the agent changes it.
    private func changing<Value: Sendable>(
        _ body: @escaping @Sendable (inout HandoverRecord) throws(HostError) -> Value
    ) async throws(HostError) -> Value {
        try await offPool { () throws(HostError) in
            try root.locked(Self.lock) { () throws(HostError) in
                // A file that is not a record does not show that anything is the agent's own.
                let bytes = try root.readOwn(Self.recordFile)
                var record =
                    bytes.flatMap { try? JSONDecoder().decode(HandoverRecord.self, from: Data($0)) } ?? HandoverRecord()
                return try body(&record)
            }
        }
    }

    private func hasRecord() async throws(HostError) -> Bool {
        try await offPool { () throws(HostError) in try root.status(Self.recordFile, followLink: false) != nil }
    }

    private func save(_ record: HandoverRecord) throws(HostError) {
        try root.makeDirectories(Self.recordFile.parent)
        try root.removeDrafts(of: Self.recordFile)
        try root.writeJSON(Self.recordFile, record, mode: 0o600)
    }
}
