import FoundationEssentials
import Host
package import NodeModel
package import Reporting
import Selection
import Support

extension Prober {
    /// Reads what tells `gpu-agent wait` whether its goal is reached: small files only, and no library of NVIDIA.
    ///
    /// - Parameter waitFor: What the node waits for before it is ready, as the configuration says.
    /// - Returns: What could be read. A file that cannot be read counts as one that is not there.
    package func waitEvidence(_ waitFor: ReadinessPolicy.Offer) async -> WaitEvidence {
        let root = root
        let files = try? await offPool { () throws(HostError) -> Set<HandoverFile> in
            var files: Set<HandoverFile> = []
            for file in HandoverFile.allCases {
                let path = try HandoverStore.validations.entry(file.rawValue)
                if try root.status(path)?.kind == .file { files.insert(file) }
            }
            return files
        }
        return WaitEvidence(
            now: Timestamp(now()),
            results: await daemonResults(),
            published: await published.load(),
            files: files ?? [],
            loadedVersion: await HostProbe(root: root, commands: nil).loadedVersion(),
            waitFor: waitFor
        )
    }
}
