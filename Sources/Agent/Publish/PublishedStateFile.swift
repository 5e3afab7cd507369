import FoundationEssentials
package import Host
package import NodeModel

/// The file on the host in which the daemon tells `status` what it put on the Node.
package struct PublishedStateFile: Sendable {
    static let path: HostPath = "/run/gpu-agent/published.json"
    let root: HostRoot

    package init(root: HostRoot) {
        self.root = root
    }

    /// Nil when no daemon wrote it, or when it cannot be read: `status` then shows nothing of the cluster.
    package func load() async -> PublishedState? {
        let root = root
        let bytes = try? await offPool { () throws(HostError) in try root.read(Self.path) }
        return bytes.flatMap(\.self).flatMap { try? JSONDecoder().decode(PublishedState.self, from: Data($0)) }
    }

    func save(_ state: PublishedState) async throws(HostError) {
        let root = root
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let bytes: [UInt8]
        do { bytes = [UInt8](try encoder.encode(state)) } catch { throw .malformed(Self.path, cause: error) }
        try await offPool { () throws(HostError) in
            try root.makeDirectories(Self.path.parent)
            // A node has one daemon, so a draft that is there is one that a killed daemon left.
            try root.removeDrafts(of: Self.path)
            try root.writeAtomically(Self.path, contents: bytes)
        }
    }
}
