public import FoundationEssentials

/// Answers requests: it injects faults, authenticates the user, checks the user's rights, and executes the request.
public struct APIHandler: Sendable {
    public let store: ObjectStore
    public let users: UserTable
    public let faults: FaultQueue
    public let log: RequestLog
    /// Decides about writes; nil when there are no admission policies.
    public let admission: AdmissionEvaluator?
    /// How often an open watch gets a bookmark.
    public let bookmarkInterval: Duration
    /// The clock of the server.
    public let now: @Sendable () -> Date

    /// Answers a request and logs it.
    public func respond(to request: APIRequest) async -> APIAnswer {
        let user = request.token.map { users.user(of: $0) } ?? User("system:anonymous", Rights([]))
        let fault = faults.take(request)
        var answer: APIAnswer
        if let fault, let wrong = await faults.answer(with: fault) {
            answer = wrong
        } else {
            do throws(APIFailure) {
                guard let user else { throw .unauthorized }
                answer = try await self.answer(request, user)
            } catch {
                answer = APIAnswer(error)
            }
        }
        if let fault { answer = fault.bend(answer) }
        log.append(RequestRecord(request, user: user?.name, status: answer.status, at: now()))
        return answer
    }

    private func answer(_ request: APIRequest, _ user: User) async throws(APIFailure) -> APIAnswer {
        // Everybody may ask for the health.
        if ["/healthz", "/readyz", "/livez"].contains(request.target) { return APIAnswer(200, .text("ok")) }
        guard user.name != "system:anonymous" || Discovery.document(request) == nil else {
            throw .forbidden(path: request.target, user: user.name)
        }
        if let document = Discovery.document(request) { return APIAnswer(200, .json(document)) }
        if request.path == AccessReview.path {
            try checkContentType(request, ["application/json"])
            return try AccessReview.answer(request, user)
        }
        guard let address = ResourceAddress(path: request.path) else {
            // The server checks the rights before it looks for the resource.
            if let access = try unknownAccess(request), !user.rights.allow(access) {
                throw .forbidden(user: user.name, access)
            }
            throw .noSuchPath
        }
        let selection = try Selection(request, address)
        let access = try access(request, address, selection)
        guard user.rights.allow(access) else { throw .forbidden(user: user.name, access) }
        if address.subresource == "eviction" {
            guard access.verb == "create", let name = address.name else { throw .methodNotAllowed }
            return try await evict(request, address, name)
        }
        switch (access.verb, address.name) {
        case ("get", .some(let name)): return try await get(request, address, name)
        case ("list", _): return try await list(request, address, selection)
        case ("watch", _): return try await watch(request, address, selection)
        case ("create", .none): return try await create(request, address, user)
        case ("update", .some(let name)):
            try checkContentType(request, ["application/json"])
            return try await change(request, address, name, user, .whole(try request.json()))
        case ("patch", .some(let name)): return try await patch(request, address, name, user)
        case ("delete", .some(let name)): return try await delete(request, address, name, user)
        default: throw .methodNotAllowed
        }
    }

    /// The access to a resource that the server does not have; nil when the path names no resource.
    private func unknownAccess(_ request: APIRequest) throws(APIFailure) -> Access? {
        let prefix = request.path.first == "api" ? 2 : 3
        guard ["api", "apis"].contains(request.path.first), request.path.count > prefix else { return nil }
        var rest = request.path.dropFirst(prefix)
        var namespace: String?
        if rest.first == "namespaces", rest.count > 2 {
            rest = rest.dropFirst()
            namespace = rest.popFirst()
        }
        let segments = Array(rest)
        return Access(
            verb: try verb(request, name: segments.count > 1 ? segments[1] : nil),
            group: prefix == 2 ? "" : request.path[1],
            resource: segments[0],
            subresource: segments.count > 2 ? segments[2] : nil,
            namespace: namespace,
            name: segments.count > 1 ? segments[1] : nil
        )
    }

    private func verb(_ request: APIRequest, name: String?) throws(APIFailure) -> String {
        switch request.method {
        case "GET", "HEAD": request.isWatch ? "watch" : name == nil ? "list" : "get"
        case "POST": "create"
        case "PUT": "update"
        case "PATCH": "patch"
        case "DELETE": name == nil ? "deletecollection" : "delete"
        default: throw .methodNotAllowed
        }
    }

    private func access(
        _ request: APIRequest,
        _ address: ResourceAddress,
        _ selection: Selection
    ) throws(APIFailure) -> Access {
        Access(
            verb: try verb(request, name: address.name),
            group: address.resource.group,
            resource: address.resource.plural,
            subresource: address.subresource,
            namespace: address.namespace,
            name: address.name ?? selection.fields.only("metadata.name")
        )
    }
}

extension APIHandler {
    private func get(_ request: APIRequest, _ address: ResourceAddress, _ name: String) async throws(APIFailure)
        -> APIAnswer
    {
        let form = try AnswerForm(accept: request.accept, isList: false, now: now())
        guard let object = await store.object(key(address, name)) else {
            throw .notFound(address.resource, name)
        }
        return APIAnswer(200, .json(form.object(object, of: address.resource)))
    }

    private func list(
        _ request: APIRequest,
        _ address: ResourceAddress,
        _ selection: Selection
    ) async throws(APIFailure) -> APIAnswer {
        let form = try AnswerForm(accept: request.accept, isList: true, now: now())
        let token = try request.query["continue"].flatMap { text throws(APIFailure) in
            text.isEmpty ? nil : try ContinueToken(text)
        }
        let (objects, version) = try await store.list(
            address.resource.plural,
            namespace: address.namespace,
            at: token?.version
        )
        let page = ListPage(objects, after: token?.start, limit: request.query["limit"].flatMap(Int.init), selection)
        var list = form.list(page.objects, of: address.resource, version: version)
        if let last = page.last {
            list["metadata"]?["continue"] = .string(ContinueToken(version: version, start: last).text)
            list["metadata"]?["remainingItemCount"] = page.remaining.map(JSON.int)
        }
        return APIAnswer(200, .json(list))
    }

    private func watch(
        _ request: APIRequest,
        _ address: ResourceAddress,
        _ selection: Selection
    ) async throws(APIFailure) -> APIAnswer {
        let text = request.query["resourceVersion"] ?? ""
        guard let version = text.isEmpty ? 0 : Int(text), version >= 0 else {
            let why =
                "resourceVersion: Invalid value: \"\(text)\": strconv.ParseUint: parsing \"\(text)\": invalid syntax"
            throw APIFailure(code: 500, reason: "", message: why)
        }
        let plan = WatchPlan(
            store: store,
            resource: address.resource,
            namespace: address.namespace,
            selection: selection,
            form: try AnswerForm(accept: request.accept, isList: false, now: now()),
            from: version == 0 ? nil : version,
            timeout: .seconds(request.query["timeoutSeconds"].flatMap(Int.init) ?? 1800),
            bookmarkInterval: request.query["allowWatchBookmarks"] == "true" ? bookmarkInterval : nil
        )
        return APIAnswer(200, .watch(plan))
    }

    func key(_ address: ResourceAddress, _ name: String) -> ObjectKey {
        ObjectKey(resource: address.resource.plural, namespace: address.namespace, name: name)
    }
}

/// The selectors of a request.
public struct Selection: Sendable {
    public var labels = Selector.everything
    public var fields = Selector.everything

    init(_ request: APIRequest, _ address: ResourceAddress) throws(APIFailure) {
        if let text = request.query["labelSelector"] { labels = try .labels(text) }
        if let text = request.query["fieldSelector"] { fields = try .fields(text, of: address.resource) }
    }

    var isEverything: Bool { labels.terms.isEmpty && fields.terms.isEmpty }

    func matches(_ object: JSON) -> Bool {
        labels.matches(labels: object[path: ["metadata", "labels"]]?.strings ?? [:]) && fields.matches(fieldsOf: object)
    }
}
