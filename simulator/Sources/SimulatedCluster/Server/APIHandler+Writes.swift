import FoundationEssentials

extension APIHandler {
    static let patchTypes = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ]

    func create(
        _ request: APIRequest,
        _ address: ResourceAddress,
        _ user: User
    ) async throws(APIFailure) -> APIAnswer {
        try checkContentType(request, ["application/json"])
        let form = try AnswerForm(accept: request.accept, isList: false, now: now())
        try checkOptions("CreateOptions", request)
        let body = try request.json()
        if let namespace = body[path: ["metadata", "namespace"]]?.string, namespace != address.namespace {
            throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
        let created = try writer(request, address).create(body)
        let new = Self.completed(created, address.resource)
        let name = new[path: ["metadata", "name"]]?.string ?? ""
        let resource = address.resource
        let (object, _) = try await store.write(
            key(address, name),
            dryRun: isDryRun(request),
            admission: admission(request, address, user)
        ) {
            live throws(APIFailure) in
            guard live == nil else { throw .alreadyExists(resource, name) }
            return new
        }
        return APIAnswer(201, .json(form.object(object, of: address.resource)))
    }

    func patch(
        _ request: APIRequest,
        _ address: ResourceAddress,
        _ name: String,
        _ user: User
    ) async throws(APIFailure) -> APIAnswer {
        try checkContentType(request, Self.patchTypes)
        let isApply = request.mediaType == "application/apply-patch+yaml"
        try checkOptions("PatchOptions", request, isApply: isApply)
        let body = isApply ? try request.yaml() : try request.json()
        switch request.mediaType {
        case "application/json-patch+json":
            guard body.array != nil else {
                throw .badRequest(
                    "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
                )
            }
            let patch: JSONPatch
            do throws(JSONPatch.Failure) { patch = try JSONPatch(json: body) } catch { throw .unprocessable }
            return try await change(request, address, name, user, .json(patch))
        case "application/merge-patch+json": return try await change(request, address, name, user, .merge(body))
        case "application/strategic-merge-patch+json":
            return try await change(request, address, name, user, .strategic(body))
        default: return try await apply(request, address, name, user, body)
        }
    }

    func change(
        _ request: APIRequest,
        _ address: ResourceAddress,
        _ name: String,
        _ user: User,
        _ patch: ObjectWriter.Patch
    ) async throws(APIFailure) -> APIAnswer {
        let form = try AnswerForm(accept: request.accept, isList: false, now: now())
        let writer = writer(request, address)
        let resource = address.resource
        let (object, _) = try await store.write(
            key(address, name),
            dryRun: isDryRun(request),
            admission: admission(request, address, user)
        ) {
            live throws(APIFailure) in
            guard let live else { throw .notFound(resource, name) }
            return try writer.patch(live, named: name, with: patch)
        }
        return APIAnswer(200, .json(form.object(object, of: address.resource)))
    }

    private func apply(
        _ request: APIRequest,
        _ address: ResourceAddress,
        _ name: String,
        _ user: User,
        _ body: JSON
    ) async throws(APIFailure) -> APIAnswer {
        let form = try AnswerForm(accept: request.accept, isList: false, now: now())
        let writer = writer(request, address)
        let force = request.query["force"] == "true"
        let creation = Access(
            verb: "create",
            group: address.resource.group,
            resource: address.resource.plural,
            subresource: address.subresource,
            namespace: address.namespace,
            name: name
        )
        let (object, created) = try await store.write(
            key(address, name),
            dryRun: isDryRun(request),
            admission: admission(request, address, user)
        ) {
            live throws(APIFailure) in
            let new = try writer.apply(body, to: live, named: name, force: force)
            guard live != nil || user.rights.allow(creation) else { throw .forbidden(user: user.name, creation) }
            return new
        }
        return APIAnswer(created ? 201 : 200, .json(form.object(object, of: address.resource)))
    }

    func delete(
        _ request: APIRequest,
        _ address: ResourceAddress,
        _ name: String,
        _ user: User
    ) async throws(APIFailure) -> APIAnswer {
        let preconditions = Preconditions(request.body.isEmpty ? nil : try request.json()["preconditions"])
        let resource = address.resource
        let admission = admission(request, address, user)
        let last = try await store.delete(key(address, name), admission: admission) { live throws(APIFailure) in
            try preconditions.check(live, resource)
        }
        guard let last else { throw .notFound(resource, name) }
        var details: JSON = [
            "name": .string(name), "kind": .string(resource.plural), "uid": last[path: ["metadata", "uid"]] ?? "",
        ]
        if !resource.group.isEmpty { details["group"] = .string(resource.group) }
        return APIAnswer(
            200,
            .json([
                "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "details": details,
            ])
        )
    }
}

extension APIHandler {
    /// Adds what the server itself writes to a new object.
    private static func completed(_ object: JSON, _ resource: Resource) -> JSON {
        var completed = object
        switch resource.kind {
        case "Node": return withNotReadyTaint(object)
        case "Pod": completed["status"] = ["phase": "Pending"]
        case "PodDisruptionBudget":
            completed["status"] = [
                "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0,
            ]
        default: break
        }
        return completed
    }

    /// Adds the taint that every new Node gets, until the node controller knows its conditions.
    private static func withNotReadyTaint(_ node: JSON) -> JSON {
        let key = "node.kubernetes.io/not-ready"
        var taints = node[path: ["spec", "taints"]]?.array ?? []
        guard !taints.contains(where: { $0["key"]?.string == key }) else { return node }
        taints.append(["key": .string(key), "effect": "NoSchedule"])
        var tainted = node
        tainted["spec"]?["taints"] = .array(taints)
        return tainted
    }

    private func writer(_ request: APIRequest, _ address: ResourceAddress) -> ObjectWriter {
        ObjectWriter(
            resource: address.resource,
            namespace: address.namespace,
            subresource: address.subresource,
            manager: request.fieldManager,
            isStrict: request.query["fieldValidation"] == "Strict",
            time: now().formatted(.iso8601)
        )
    }

    func isDryRun(_ request: APIRequest) -> Bool { request.query["dryRun"] == "All" }

    func checkContentType(_ request: APIRequest, _ known: [String]) throws(APIFailure) {
        guard let type = request.mediaType, known.contains(type) else { throw .unsupportedMediaType }
    }

    /// Validates the options of a write request.
    private func checkOptions(_ kind: String, _ request: APIRequest, isApply: Bool = false) throws(APIFailure) {
        var problems: [APIFailure.Cause] = []
        let manager = request.query["fieldManager"] ?? ""
        if isApply, manager.isEmpty { problems.append(.required("fieldManager", "is required for apply patch")) }
        if !isApply, request.query["force"] != nil {
            let message = "Forbidden: may not be specified for non-apply patch"
            problems.append(.init(reason: "FieldValueForbidden", message: message, field: "force"))
        }
        if manager.utf8.count > 128 {
            let message = "Too long: may not be more than 128 bytes"
            problems.append(.init(reason: "FieldValueTooLong", message: message, field: "fieldManager"))
        }
        guard problems.isEmpty else { throw .invalid(group: "meta.k8s.io", kind: kind, name: "", problems) }
    }
}
