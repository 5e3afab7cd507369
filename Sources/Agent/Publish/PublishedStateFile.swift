import FoundationEssentials
package import Host
package import NodeModel

/// The file on the host in which the daemon saves what it published, for `gpu-agent status`.
package struct PublishedStateFile: OwnerLabelSource {
    static let path: HostPath = "/run/gpu-agent/published.json"
    let root: HostRoot

    package init(root: HostRoot) {
        self.root = root
    }

    /// Reads the state; nil when there is no file or when it cannot be read.
    ///
    /// `status` then prints nothing about the cluster.
    package func load() async -> PublishedState? {
        let root = root
        let bytes = try? await offPool { () throws(HostError) in try root.readOwn(Self.path) }
        return bytes.flatMap(\.self).flatMap { try? JSONDecoder().decode(PublishedState.self, from: Data($0)) }
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

    func save(_ state: PublishedState) async throws(HostError) {
        let root = root
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let bytes: [UInt8]
        do { bytes = [UInt8](try encoder.encode(state)) } catch { throw .malformed(Self.path, cause: error) }
        try await offPool { () throws(HostError) in
            try root.makeDirectories(Self.path.parent)
            // A node has only one daemon, so any draft is from a daemon that was killed.
            try root.removeDrafts(of: Self.path)
            try root.writeAtomically(Self.path, contents: bytes)
        }
    }
}
