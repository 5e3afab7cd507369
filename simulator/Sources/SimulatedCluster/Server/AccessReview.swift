/// The answer to a `SelfSubjectAccessReview`, with which a client asks for its own rights.
///
/// `kubectl auth can-i` sends it as protobuf, which this server does not read.
enum AccessReview {
    static let path = ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"]

    static func answer(_ request: APIRequest, _ user: User) throws(APIFailure) -> APIAnswer {
        guard request.method == "POST" else { throw .methodNotAllowed }
        let body = try request.json()
        let attributes = body[path: ["spec", "resourceAttributes"]] ?? [:]
        func text(_ key: String) -> String? { attributes[key]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        let access = Access(
            verb: text("verb") ?? "",
            group: text("group") ?? "",
            resource: text("resource") ?? "",
            subresource: text("subresource"),
            namespace: text("namespace"),
            name: text("name")
        )
        let rule = user.rights.rule(allowing: access)
        var status: JSON = ["allowed": .bool(rule != nil)]
        status["reason"] = rule?.grant.map { .string("RBAC: allowed by \($0)") }
        return APIAnswer(
            201,
            .json([
                "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": [:],
                "spec": body["spec"] ?? [:], "status": status,
            ])
        )
    }
}
