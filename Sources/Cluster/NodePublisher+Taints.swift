import Kubernetes
import Logging
import NodeModel
import Reporting

extension NodePublisher {
    /// Adds or removes the agent's taint, removes start-up taints, and returns the Node after the change.
    ///
    /// When another program changes the Node between the read and the patch, the test of the patch fails. The publisher
    /// then reads the Node again, and makes at most three attempts within the budget of requests.
    func bringTaint(
        _ wish: TaintWish,
        removing startupTaints: [StartupTaint] = [],
        on node: Node
    ) async throws(KubernetesError) -> Node {
        request = .patch
        var (attempt, latest) = (1, node)
        while true {
            let prefix = mirror.prefix
            let operations = NodeUpdate.taintPatch(wish, removing: startupTaints, on: latest, prefix: prefix)
            guard !operations.isEmpty else { return latest }
            do throws(KubernetesError) {
                return try await patch(operations, removing: startupTaints)
            } catch {
                guard error.isFailedTest, attempt < 3, await mirror.delay(forRequests: 2) == .zero else { throw error }
                attempt += 1
                latest = try await mirror.read()
            }
        }
    }

    private func patch(
        _ operations: [JSONPatchOperation],
        removing startupTaints: [StartupTaint]
    ) async throws(KubernetesError) -> Node {
        let patched = try await mirror.request("patch") { client throws(KubernetesError) in
            try await client.patchNode(
                self.mirror.node,
                operations: operations,
                fieldManager: NodeUpdate.fieldManager
            )
        }
        await mirror.accept(patched)
        pace.wrote(at: .now)
        let taint = NodeUpdate.taint(prefix: mirror.prefix).key
        let isOn = NodeUpdate.isTainted(patched, prefix: mirror.prefix)
        var metadata: Logger.Metadata = ["taint": "\(taint)", "present": "\(isOn)"]
        if !startupTaints.isEmpty {
            metadata["removed-startup-taints"] = "\(startupTaints.map(\.description).joined(separator: ", "))"
        }
        logger.notice("taint changed", metadata: metadata)
        return patched
    }
}
