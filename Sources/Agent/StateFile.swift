import FoundationEssentials
package import Host
import MIG
package import NodeModel

/// A small JSON file, in which an agent leaves something for the commands on the host, or for the next agent.
///
/// The next boot deletes a file in `/run/gpu-agent`.
package struct StateFile<Content: Codable & Sendable>: Sendable {
    let root: HostRoot
    let path: HostPath
    let mode: UInt32
    /// The largest file that is read, in bytes.
    var limit = 1 << 20

    /// Reads the content; nil when there is no file or when it cannot be read.
    ///
    /// `status` then shows less. The texts come from servers and installers, so their control characters are replaced.
    package func load() async -> Content? {
        let (root, path, limit) = (root, path, limit)
        let bytes = try? await offPool { () throws(HostError) in try root.readOwn(path, limit: limit) }
        guard let bytes = bytes.flatMap(\.self) else { return nil }
        return (try? JSONDecoder().decode(Content.self, from: Data(bytes))).flatMap(withoutControls)
    }

    /// Reads the content, and tells a missing file from one that cannot be read.
    func reading() async -> Reading<Content> where Content: Equatable {
        let (root, path, limit) = (root, path, limit)
        do throws(HostError) {
            let bytes = try await offPool { () throws(HostError) in try root.readOwn(path, limit: limit) }
            guard let bytes else { return .absent }
            do { return .present(try JSONDecoder().decode(Content.self, from: Data(bytes))) } catch {
                throw .malformed(path, cause: error)
            }
        } catch { return .unreadable(ReadFailure(error)) }
    }

    /// Replaces the content in one step, so that a reader never sees a part of it.
    ///
    /// Only one process on the host may do so at a time, so any draft is from a process that was killed.
    func save(_ content: Content) async throws(HostError) {
        let (root, path, mode) = (root, path, mode)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let bytes: [UInt8]
        do { bytes = [UInt8](try encoder.encode(content)) } catch { throw .malformed(path, cause: error) }
        try await offPool { () throws(HostError) in
            try root.makeDirectories(path.parent)
            try root.removeDrafts(of: path)
            try root.writeAtomically(path, contents: bytes, mode: mode)
        }
    }

    /// Removes the file; an error is ignored, because nothing depends on the file.
    func remove() async {
        let (root, path) = (root, path)
        _ = try? await offPool { () throws(HostError) in try root.removeTree(path) }
    }
}

/// The file that tells what an agent does on the host now.
///
/// The file of an agent that was killed stays. So the reader must know that an agent changes the host. Only the holder
/// of the host's lock writes it, and a daemon that waits for its next attempt.
typealias ActivityFile = StateFile<Activity>

extension StateFile<Activity> {
    init(root: HostRoot) {
        // The output of installers may contain what only root should see.
        self.init(root: root, path: "/run/gpu-agent/activity.json", mode: 0o600)
    }
}

/// The file in which the daemon of the node saves what it published.
package typealias PublishedStateFile = StateFile<PublishedState>

extension StateFile<PublishedState>: OwnerLabelSource {
    package init(root: HostRoot) {
        self.init(root: root, path: "/run/gpu-agent/published.json", mode: 0o644)
    }

    /// The labels that name the owner of this node's driver, as the daemon last saw them on the Node.
    package func ownerLabels() async -> OwnerLabels {
        guard let state = await load() else {
            return OwnerLabels(.skipped("no agent has published the state of this node"))
        }
        if let why = state.ownerLabelsFailure {
            return OwnerLabels(.unreadable(ReadFailure(.io, why)), last: state.ownerLabels)
        }
        if let labels = state.ownerLabels { return OwnerLabels(.present(labels)) }
        let missing = "the agent has not read the owner labels of this node"
        return OwnerLabels(state.failure.map { .unreadable(ReadFailure(.io, $0)) } ?? .skipped(missing))
    }
}

/// The file in which the daemon keeps how long the node took to start.
typealias BootRecordFile = StateFile<BootRecord>

extension StateFile<BootRecord> {
    init(root: HostRoot) { self.init(root: root, path: HostPath(stringLiteral: HostLayout.boot), mode: 0o644) }
}

extension StateFile<PublishedState> {
    /// The labels with these keys, as the daemon last read them on the Node; skipped when it did not.
    package func selectedLabels(_ keys: Set<String>) async -> Reading<[String: String]> {
        let state = await load()
        if let selected = state?.selectedLabels { return selected.reading(keys) }
        let why = state?.ownerLabelsFailure.map { ": \($0)" } ?? ""
        return .skipped("no daemon on this node has read them\(why)")
    }
}

/// The file with the MIG layouts that the GPUs of this host should have.
typealias MIGRecordFile = StateFile<MIGRecord>

extension StateFile<MIGRecord> {
    init(root: HostRoot) { self.init(root: root, path: HostPath(stringLiteral: HostLayout.migLayout), mode: 0o644) }
}

/// The file in which the daemon keeps the most GPUs that it saw on the node.
typealias SeenGPUsFile = StateFile<SeenGPUs>

extension StateFile<SeenGPUs> {
    init(root: HostRoot) { self.init(root: root, path: HostPath(stringLiteral: HostLayout.seenGPUs), mode: 0o644) }
}
