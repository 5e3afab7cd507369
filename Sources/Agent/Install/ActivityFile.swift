import FoundationEssentials
import Host
import NodeModel
import Support

/// The file on the host that tells what an agent does there now.
///
/// Nothing depends on it: when it cannot be written or read, `status` shows less. So its functions report no errors.
struct ActivityFile: Sendable {
    static let path: HostPath = "/run/gpu-agent/activity.json"
    let root: HostRoot

    /// Reads the activity; nil when there is none or when the file cannot be read.
    ///
    /// The file of an agent that was killed stays. The caller must know that an agent changes the host.
    func load() async -> Activity? {
        let root = root
        let bytes = try? await offPool { () throws(HostError) in try root.readOwn(Self.path) }
        return bytes.flatMap(\.self).flatMap { try? JSONDecoder().decode(Activity.self, from: Data($0)) }
    }

    /// Replaces the activity.
    ///
    /// Only the holder of the host's lock may call this, and a daemon that waits for its next attempt.
    func save(_ activity: Activity) async {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let bytes = try? encoder.encode(activity) else { return }
        let root = root
        _ = try? await offPool { () throws(HostError) in
            try root.makeDirectories(Self.path.parent)
            try root.removeDrafts(of: Self.path)
            // The output of installers may contain what only root should see.
            try root.writeAtomically(Self.path, contents: [UInt8](bytes), mode: 0o600)
        }
    }

    /// Removes the activity.
    ///
    /// Only the holder of the host's lock may call this.
    func remove() async {
        let root = root
        _ = try? await offPool { () throws(HostError) in try root.removeTree(Self.path) }
    }
}
