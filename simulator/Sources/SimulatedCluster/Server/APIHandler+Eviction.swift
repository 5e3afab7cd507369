import FoundationEssentials

extension APIHandler {
    /// Evicts a pod: deletes it gracefully when its budget allows this.
    ///
    /// Source: the server's `pkg/registry/core/pod/storage/eviction.go`. Nothing removes the pod after its grace period,
    /// because there is no kubelet. A test deletes it, as the kubelet does.
    func evict(
        _ request: APIRequest,
        _ address: ResourceAddress,
        _ name: String
    ) async throws(APIFailure) -> APIAnswer {
        try checkContentType(request, ["application/json"])
        let eviction = try request.json()
        guard eviction[path: ["metadata", "name"]]?.string == name else {
            throw .badRequest("name in URL does not match name in Eviction object")
        }
        let options = eviction["deleteOptions"] ?? [:]
        let isDry = isDryRun(request) || options["dryRun"]?.array?.contains("All") == true
        let now = now()
        try await store.settle(key(address, name), dryRun: isDry) { live, list throws(APIFailure) in
            guard let live else { throw .notFound(address.resource, name) }
            if !Self.isOutsideBudgets(live) {
                try Self.checkBudgets(of: live, list(.disruptionBudget), list(.pod))
            }
            try Preconditions(options["preconditions"]).check(live, address.resource)
            return Self.terminating(live, options, now)
        }
        return APIAnswer(
            201,
            .json(["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201])
        )
    }

    /// Whether the eviction of a pod cannot disrupt anything, because the pod does not run.
    private static func isOutsideBudgets(_ pod: JSON) -> Bool {
        ["Pending", "Succeeded", "Failed"].contains(pod[path: ["status", "phase"]]?.string)
            || DisruptionBudget.isTerminating(pod)
    }

    private static func checkBudgets(of pod: JSON, _ budgets: [JSON], _ pods: [JSON]) throws(APIFailure) {
        let budgets = budgets.compactMap { DisruptionBudget($0, for: pod, among: pods) }
        if budgets.count > 1 { throw .severalBudgets }
        if let budget = budgets.first, !budget.allows(pod) { throw .budget(budget) }
    }

    /// The pod with the time of its end; nil when it ends at once.
    private static func terminating(_ pod: JSON, _ options: JSON, _ now: Date) -> JSON? {
        guard !DisruptionBudget.isTerminating(pod) else { return pod }
        let grace =
            options["gracePeriodSeconds"]?.int ?? pod[path: ["spec", "terminationGracePeriodSeconds"]]?.int ?? 30
        let isOver = ["Succeeded", "Failed"].contains(pod[path: ["status", "phase"]]?.string)
        let isScheduled = !(pod[path: ["spec", "nodeName"]]?.string ?? "").isEmpty
        guard grace > 0, isScheduled, !isOver else { return nil }
        var ending = pod
        let end = now.addingTimeInterval(TimeInterval(grace))
        ending["metadata"]?["deletionTimestamp"] = .string(end.formatted(.iso8601))
        ending["metadata"]?["deletionGracePeriodSeconds"] = .int(grace)
        return ending
    }
}

extension APIFailure {
    /// A budget needs the pod.
    static func budget(_ budget: DisruptionBudget) -> APIFailure {
        let why =
            "The disruption budget \(budget.name) needs \(budget.desired) healthy pods and has \(budget.healthy) currently"
        return APIFailure(
            code: 429,
            reason: "TooManyRequests",
            message: "Cannot evict pod as it would violate the pod's disruption budget.",
            details: ["causes": [["reason": "DisruptionBudget", "message": .string(why)]]]
        )
    }

    /// More than one budget selects the pod.
    static let severalBudgets = APIFailure(
        code: 500,
        reason: "",
        message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    )
}
