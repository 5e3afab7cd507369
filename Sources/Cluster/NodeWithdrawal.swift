package import Kubernetes
package import NodeModel
import Reporting
import Support

/// Removes everything that the agent wrote to its Node: its labels, its annotations, its taint, its conditions, and its
/// entries in `managedFields`.
///
/// A label that another field manager owns too stays with its value, unless its name has the agent's prefix. A
/// condition stays when only other field managers own it: any program can write a condition with the type `GPUReady`.
package struct NodeWithdrawal: Sendable {
    /// What was removed from the Node.
    package struct Outcome: Sendable, Equatable {
        /// The keys of the removed labels, sorted.
        package var labels: [String] = []
        /// The keys of the removed annotations, sorted.
        package var annotations: [String] = []
        package var hadTaint = false
        /// The types of the removed conditions, sorted.
        package var conditions: [String] = []
        package var ownedFields = false

        package var isEmpty: Bool { self == Outcome() }
    }

    private let client: KubernetesClient
    private let node: String
    private let prefix: String
    private let conditions: ConditionTypes?
    private let retry: RetryPolicy

    /// - Parameters:
    ///   - client: The client of the API server.
    ///   - node: The name of the Node.
    ///   - prefix: The prefix of the agent's own labels, without the slash.
    ///   - conditions: The types of the agent's conditions; nil when it publishes none.
    ///   - retry: The policy for each request.
    package init(
        client: KubernetesClient,
        node: String,
        prefix: String,
        conditions: ConditionTypes? = ConditionTypes(),
        retry: RetryPolicy = RetryPolicy()
    ) {
        self.client = client
        self.node = node
        self.prefix = prefix
        self.conditions = conditions
        self.retry = retry
    }

    /// Removes everything and returns what was there; a Node without traces of the agent is not changed.
    ///
    /// The first patch changes the content, and the second one the status, which is a subresource. The first patch can
    /// make the agent the owner of the remaining taints. So the last patch removes the agent's entries in
    /// `managedFields`.
    package func run() async throws(KubernetesError) -> Outcome {
        var outcome = Outcome()
        let cleaned = try await change { node in
            let (labels, annotations, operations) = Self.contentPatch(on: node, prefix: prefix)
            outcome.labels = Set(outcome.labels).union(labels).sorted()
            outcome.annotations = Set(outcome.annotations).union(annotations).sorted()
            if NodeUpdate.isTainted(node, prefix: prefix) { outcome.hadTaint = true }
            return operations
        }
        let withoutConditions = try await change(cleaned, subresource: "status") { node in
            let (types, operations) = Self.conditionPatch(on: node, types: conditions?.all ?? [])
            outcome.conditions = Set(outcome.conditions).union(types).sorted()
            return operations
        }
        _ = try await change(withoutConditions) { node in
            let operations = Self.ownershipPatch(on: node)
            if !operations.isEmpty { outcome.ownedFields = true }
            return operations
        }
        return outcome
    }

    /// Patches the Node until the patch is empty or accepted; it reads the Node again when another client changed it.
    private func change(
        _ known: Node? = nil,
        subresource: String? = nil,
        _ patch: (Node) -> [JSONPatchOperation]
    ) async throws(KubernetesError) -> Node {
        var (attempt, latest) = (1, known)
        while true {
            let current: Node
            if let latest {
                current = latest
            } else {
                current = try await request { client throws(KubernetesError) in try await client.node(node) }
            }
            let operations = patch(current)
            guard !operations.isEmpty else { return current }
            do throws(KubernetesError) {
                return try await request { client throws(KubernetesError) in
                    try await client.patchNode(
                        node,
                        subresource: subresource,
                        operations: operations,
                        fieldManager: NodeUpdate.fieldManager
                    )
                }
            } catch {
                guard error.isFailedTest, attempt < 5 else { throw error }
                attempt += 1
                latest = nil
            }
        }
    }

    private func request<Value: Sendable>(
        _ work: (KubernetesClient) async throws(KubernetesError) -> Value
    ) async throws(KubernetesError) -> Value {
        var generator = SystemRandomNumberGenerator()
        let client = client
        return try await retry.run(clock: ContinuousClock(), using: &generator) {
            () async throws(KubernetesError) in try await work(client)
        }
    }

    /// The labels and the annotations to remove, and the patch that removes them and the taint.
    ///
    /// Other annotations with the agent's prefix stay, because somebody else wrote them.
    package static func contentPatch(
        on node: Node,
        prefix: String
    ) -> (labels: [String], annotations: [String], operations: [JSONPatchOperation]) {
        let metadata = node.metadata
        let owned = metadata.labelKeys(ownedBy: NodeUpdate.fieldManager)
        let labels = metadata.labels.keys.filter { key in
            if key.hasPrefix("\(prefix)/") { return true }
            return owned.contains(key)
                && metadata.owners(of: ["metadata", "labels", key]).allSatisfy { $0.manager == NodeUpdate.fieldManager }
        }.sorted()
        let annotations = OwnAnnotation.allCases.map { $0.key(prefix: prefix) }
            .filter { metadata.annotations[$0] != nil }.sorted()
        var operations = labels.map { JSONPatchOperation.remove(["metadata", "labels", $0]) }
        operations += annotations.map { JSONPatchOperation.remove(["metadata", "annotations", $0]) }
        let ours = NodeUpdate.taint(prefix: prefix)
        if let index = node.taints.firstIndex(where: { $0.key == ours.key && $0.effect == ours.effect }) {
            operations.append(.remove(["spec", "taints", String(index)]))
        }
        return (labels, annotations, operations.isEmpty ? [] : [unchanged(node)] + operations)
    }

    /// The conditions to remove, and the patch of the status that removes them.
    ///
    /// They are those with the agent's types, and those that the agent alone applied under the types of an earlier
    /// configuration. A condition with the agent's type that only another program writes stays.
    package static func conditionPatch(
        on node: Node,
        types: [String]
    ) -> (types: [String], operations: [JSONPatchOperation]) {
        let metadata = node.metadata
        let owned = metadata.conditionTypes(ownedBy: NodeUpdate.fieldManager)
        let indices = node.conditions.indices.filter { index in
            let type = node.conditions[index].type
            let managers = metadata.managers(ofCondition: type)
            if types.contains(type) { return owned.contains(type) || managers.isEmpty }
            return owned.contains(type) && managers == [NodeUpdate.fieldManager]
        }
        guard !indices.isEmpty else { return ([], []) }
        // Removes the last condition first, because a removal changes the index of every later condition.
        let removals = indices.reversed().map { JSONPatchOperation.remove(["status", "conditions", String($0)]) }
        return (indices.map { node.conditions[$0].type }.sorted(), [unchanged(node)] + removals)
    }

    /// The patch that removes the agent's entries in `managedFields`; empty when there are none.
    package static func ownershipPatch(on node: Node) -> [JSONPatchOperation] {
        let indices = node.metadata.managedFields.indices.filter {
            node.metadata.managedFields[$0].manager == NodeUpdate.fieldManager
        }
        guard !indices.isEmpty else { return [] }
        // Removes the last entry first, because a removal changes the index of every later entry.
        return [unchanged(node)]
            + indices.reversed().map { .remove(["metadata", "managedFields", String($0)]) }
    }

    private static func unchanged(_ node: Node) -> JSONPatchOperation {
        .test(["metadata", "resourceVersion"], .string(node.metadata.resourceVersion))
    }
}
