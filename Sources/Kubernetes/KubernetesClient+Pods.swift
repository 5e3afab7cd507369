import Support

/// What the API server says to an eviction.
package enum EvictionAnswer: Sendable, Equatable {
    /// The pod ends after its grace period, or has ended already.
    ///
    /// The server says the same again for a pod that is on its way out.
    case accepted
    /// There is no such pod any more. A new pod of the same name has another UID, and is left alone.
    case gone
    /// A budget needs the pod now; try again later, not before the given time if there is one.
    case blocked(message: String, retryAfter: Duration?)
    /// More than one budget selects the pod, which the server never evicts until an administrator changes the budgets.
    case severalBudgets(message: String)
}

extension KubernetesClient {
    /// Lists the pods that are bound to a Node, in all namespaces.
    ///
    /// - Parameter name: The name of the Node.
    /// - Returns: The pods, including those that are over.
    /// - Throws: `timedOut` when all pages together take longer than two requests may; `malformed` when there are too
    ///   many pages; or any other error of a request.
    package func pods(onNode name: String) async throws(KubernetesError) -> [Pod] {
        try await list(.pods(onNode: name), of: Pod.self)
    }

    /// Asks the server to end a pod, which respects the budgets of pods.
    ///
    /// It makes one request. Ask again while the answer is `blocked`, with pauses and until a deadline.
    ///
    /// - Parameters:
    ///   - pod: The pod. Only the pod with this UID is evicted.
    ///   - dryRun: Whether to ask only what the answer would be.
    /// - Returns: The server's answer.
    /// - Throws: Any error of a request that says nothing about the pod, such as `forbidden`, which names the verb and
    ///   the resource.
    package func evict(_ pod: Pod, dryRun: Bool = false) async throws(KubernetesError) -> EvictionAnswer {
        do throws(KubernetesError) {
            _ = try await send(.evict(pod, dryRun: dryRun), as: Ignored.self)
            return .accepted
        } catch {
            switch error {
            case .notFound: return .gone
            case .conflict(let message, _) where message.contains("the UID in the precondition"): return .gone
            case .disruptionBudget(let message, let delay): return .blocked(message: message, retryAfter: delay)
            case .severalBudgets(let message): return .severalBudgets(message: message)
            default: throw error
            }
        }
    }
}

extension KubernetesRequest {
    /// The most pods of one page; all pages of a list have many times the pods that a node can run.
    private static let podsPerPage = 200

    /// Lists the pods that are bound to a Node; the answer is the first page.
    package static func pods(onNode name: String) -> Self {
        Self(
            method: .get,
            path: ["api", "v1", "pods"],
            query: [
                QueryItem("fieldSelector", "spec.nodeName=\(name)"),
                QueryItem("limit", String(podsPerPage)),
            ]
        )
    }

    /// Evicts a pod.
    package static func evict(_ pod: Pod, dryRun: Bool) -> Self {
        var options: JSONValue = ["preconditions": ["uid": .string(pod.uid)]]
        if dryRun { options["dryRun"] = ["All"] }
        return Self(
            method: .post,
            path: ["api", "v1", "namespaces", pod.namespace, "pods", pod.name, "eviction"],
            query: dryRun ? [QueryItem("dryRun", "All")] : [],
            contentType: json,
            body: [
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": ["name": .string(pod.name), "namespace": .string(pod.namespace)],
                "deleteOptions": options,
            ]
        )
    }
}
