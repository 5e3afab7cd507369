/// One write, as admission policies see it.
struct AdmissionReview: Sendable {
    var address: ResourceAddress
    var user: User
    var isDryRun: Bool

    /// The variables of the policies.
    ///
    /// The real server creates the request from its Go structs. Fields with `omitempty` are absent when they are empty,
    /// and the others are present. Source: apiserver, `CreateAdmissionRequest` of the plugin `policy/validating`.
    ///
    /// - Parameters:
    ///   - old: The object before the write; nil when the write creates it.
    ///   - new: The object after the write; nil when the write deletes it.
    /// - Returns: The variables `request`, `object` and `oldObject`; those of a missing object are absent.
    func call(old: JSON?, new: JSON?) -> JSON {
        let resource = address.resource
        let kind: JSON = ["group": .string(resource.group), "version": "v1", "kind": .string(resource.kind)]
        let plural: JSON = ["group": .string(resource.group), "version": "v1", "resource": .string(resource.plural)]
        let operation: JSON = old == nil ? "CREATE" : new == nil ? "DELETE" : "UPDATE"
        var request: JSON = [
            "uid": "", "kind": kind, "resource": plural, "requestKind": kind, "requestResource": plural,
            "operation": operation, "dryRun": .bool(isDryRun),
        ]
        request["subResource"] = address.subresource.map(JSON.string)
        request["requestSubResource"] = address.subresource.map(JSON.string)
        request["name"] = (new ?? old)?[path: ["metadata", "name"]]
        request["namespace"] = address.namespace.map(JSON.string)
        request["userInfo"] = userInfo
        var call: JSON = ["request": request]
        call["object"] = new
        call["oldObject"] = old
        return call
    }

    private var userInfo: JSON {
        var info: JSON = ["username": .string(user.name), "groups": .array(user.groups.map(JSON.string))]
        if !user.extra.isEmpty {
            info["extra"] = .object(user.extra.mapValues { .array($0.map(JSON.string)) })
        }
        return info
    }
}

extension APIHandler {
    /// The admission of a write; it throws when a policy denies the write.
    func admission(_ request: APIRequest, _ address: ResourceAddress, _ user: User) -> ObjectStore.Admission? {
        guard let evaluator = admission else { return nil }
        let review = AdmissionReview(address: address, user: user, isDryRun: isDryRun(request))
        return { old, new throws(APIFailure) in
            let decision: AdmissionEvaluator.Decision
            do throws(AdmissionError) {
                decision = try await evaluator.decide(review.call(old: old, new: new))
            } catch {
                // `failurePolicy: Fail`: a write that cannot be evaluated is not allowed.
                throw .internalError("cannot evaluate the admission policies: \(error)")
            }
            guard case .denied(let policy, let binding, let message, let reason) = decision else { return }
            throw .denied(
                address.resource.plural,
                (new ?? old)?[path: ["metadata", "name"]]?.string ?? "",
                reason: reason,
                "ValidatingAdmissionPolicy '\(policy)' with binding '\(binding)' denied request: \(message)"
            )
        }
    }
}
