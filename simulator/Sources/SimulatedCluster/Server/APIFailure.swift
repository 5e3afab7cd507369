/// The error of a failed request, which a `Status` object describes.
public struct APIFailure: Error, Sendable, Equatable {
    /// A cause of the error, with its field.
    public struct Cause: Sendable, Equatable {
        public var reason: String
        public var message: String
        public var field: String

        public init(reason: String, message: String, field: String) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    public var code: Int
    public var reason: String
    public var message: String
    public var details: JSON?
    /// The value of the `Retry-After` header, in seconds.
    public var retryAfter: Int?

    public init(code: Int, reason: String, message: String, details: JSON? = nil, retryAfter: Int? = nil) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.retryAfter = retryAfter
    }

    /// The `Status` object.
    public var json: JSON {
        var json: JSON = [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure",
            "message": .string(message), "code": .int(code),
        ]
        if !reason.isEmpty { json["reason"] = .string(reason) }
        json["details"] = details
        if let retryAfter {
            var details = details ?? [:]
            details["retryAfterSeconds"] = .int(retryAfter)
            json["details"] = details
        }
        return json
    }
}

extension APIFailure {
    static let unauthorized = APIFailure(code: 401, reason: "Unauthorized", message: "Unauthorized")

    static func badRequest(_ message: String) -> APIFailure {
        APIFailure(code: 400, reason: "BadRequest", message: message)
    }

    static func internalError(_ message: String) -> APIFailure {
        let causes: JSON = [["message": .string(message)]]
        return APIFailure(
            code: 500,
            reason: "InternalError",
            message: "Internal error occurred: \(message)",
            details: ["causes": causes]
        )
    }

    /// The details of a failure about one object.
    private static func details(_ resource: Resource, _ kind: String, _ name: String?) -> JSON {
        var details: JSON = ["kind": .string(kind)]
        details["name"] = name.map(JSON.string)
        if !resource.group.isEmpty { details["group"] = .string(resource.group) }
        return details
    }

    static func notFound(_ resource: Resource, _ name: String) -> APIFailure {
        APIFailure(
            code: 404,
            reason: "NotFound",
            message: "\(resource.qualified(resource.plural)) \"\(name)\" not found",
            details: details(resource, resource.plural, name)
        )
    }

    static let noSuchPath = APIFailure(
        code: 404,
        reason: "NotFound",
        message: "the server could not find the requested resource",
        details: [:]
    )

    static let methodNotAllowed = APIFailure(
        code: 405,
        reason: "MethodNotAllowed",
        message: "the server does not allow this method on the requested resource",
        details: [:]
    )

    static func alreadyExists(_ resource: Resource, _ name: String) -> APIFailure {
        APIFailure(
            code: 409,
            reason: "AlreadyExists",
            message: "\(resource.qualified(resource.plural)) \"\(name)\" already exists",
            details: details(resource, resource.plural, name)
        )
    }

    /// The object has changed since the client read it.
    static func conflict(
        _ resource: Resource,
        _ name: String,
        subject: String? = nil,
        why: String = "the object has been modified; please apply your changes to the latest version and try again"
    ) -> APIFailure {
        let kind = subject ?? resource.plural
        return APIFailure(
            code: 409,
            reason: "Conflict",
            message: "Operation cannot be fulfilled on \(resource.qualified(kind)) \"\(name)\": \(why)",
            details: details(resource, kind, name)
        )
    }

    /// An apply changes fields that other field managers own.
    static func applyConflict(
        _ conflicts: [(owner: ManagedFieldsEntry.Owner, path: [String])],
        version: String
    ) -> APIFailure {
        let printed = conflicts.map {
            (owner: $0.owner.printed(version: version), field: FieldSet.printed($0.path))
        }
        let causes = printed.map { conflict -> JSON in
            [
                "reason": "FieldManagerConflict",
                "message": .string("conflict with \(conflict.owner)"),
                "field": .string(conflict.field),
            ]
        }
        let message: String
        if printed.count == 1 {
            message = "Apply failed with 1 conflict: conflict with \(printed[0].owner): \(printed[0].field)"
        } else {
            let lines = Set(printed.map(\.owner)).sorted().flatMap { owner in
                ["conflicts with \(owner):"] + printed.filter { $0.owner == owner }.map { "- \($0.field)" }
            }
            message = "Apply failed with \(printed.count) conflicts: " + lines.joined(separator: "\n")
        }
        return APIFailure(code: 409, reason: "Conflict", message: message, details: ["causes": .array(causes)])
    }

    /// The server no longer has the changes since a resource version.
    static func expired(_ version: Int, oldest: Int) -> APIFailure {
        APIFailure(code: 410, reason: "Expired", message: "too old resource version: \(version) (\(oldest))")
    }

    /// The server no longer has the objects of the first page of a list.
    static let expiredList = APIFailure(
        code: 410,
        reason: "Expired",
        message: "The provided continue parameter is too old to display a consistent list result. You can start a new "
            + "list without the continue parameter."
    )

    static let notAcceptable = APIFailure(
        code: 406,
        reason: "NotAcceptable",
        message: "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
            + "application/vnd.kubernetes.protobuf",
        details: [:]
    )

    static let unsupportedMediaType = APIFailure(
        code: 415,
        reason: "UnsupportedMediaType",
        message: "415: Unsupported Media Type",
        details: [:]
    )

    /// The result of a JSON patch or of a merge patch is no object of its type.
    static func invalidPatch(_ patched: JSON, _ why: String) -> APIFailure {
        let text = (try? patched.data()).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let quoted = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return invalid(
            kind: "",
            name: "",
            [
                .init(
                    reason: "FieldValueInvalid",
                    message: "Invalid value: \"\(quoted)\": \(why)",
                    field: "patch"
                )
            ]
        )
    }

    /// The server cannot execute a patch, for example a JSON patch with a `test` that fails.
    static let unprocessable = APIFailure(
        code: 422,
        reason: "Invalid",
        message: "the server rejected our request due to an error in our request",
        details: [:]
    )

    /// An object or the options of a request are not valid.
    static func invalid(group: String = "", kind: String, name: String, _ causes: [Cause]) -> APIFailure {
        // The message has equal causes only once, and the details have all of them.
        var lines: [String] = []
        for line in causes.map({ "\($0.field): \($0.message)" }) where !lines.contains(line) { lines.append(line) }
        let list = lines.count == 1 ? lines[0] : "[\(lines.joined(separator: ", "))]"
        var details: JSON = [:]
        if !kind.isEmpty { details["kind"] = .string(kind) }
        if !name.isEmpty { details["name"] = .string(name) }
        if !group.isEmpty { details["group"] = .string(group) }
        details["causes"] = .array(
            causes.map {
                ["reason": .string($0.reason), "message": .string($0.message), "field": .string($0.field)]
            }
        )
        return APIFailure(
            code: 422,
            reason: "Invalid",
            message: "\(group.isEmpty ? kind : "\(kind).\(group)") \"\(name)\" is invalid: \(list)",
            details: details
        )
    }

    /// An admission policy denies a request.
    static func denied(_ resource: String, _ name: String, reason: String, _ why: String) -> APIFailure {
        let codes = ["Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413]
        return APIFailure(
            code: codes[reason] ?? 422,
            reason: reason,
            message: "\(resource)\(name.isEmpty ? "" : " \"\(name)\"") is forbidden: \(why)",
            details: ["name": .string(name), "kind": .string(resource), "causes": [["message": .string(why)]]]
        )
    }

    /// A user may not read a path that is no resource.
    static func forbidden(path: String, user: String) -> APIFailure {
        APIFailure(
            code: 403,
            reason: "Forbidden",
            message: "forbidden: User \"\(user)\" cannot get path \"\(path)\"",
            details: [:]
        )
    }

    /// A user does not have the right to an access.
    ///
    /// - Parameters:
    ///   - user: The user.
    ///   - access: The access.
    /// - Returns: 403 with the message of the real server.
    static func forbidden(user: String, _ access: Access) -> APIFailure {
        let kind = access.group.isEmpty ? access.resource : "\(access.resource).\(access.group)"
        let subject = access.name.map { "\(kind) \"\($0)\"" } ?? kind
        let place = access.namespace.map { "in the namespace \"\($0)\"" } ?? "at the cluster scope"
        let full = access.subresource.map { "\(access.resource)/\($0)" } ?? access.resource
        var details: JSON = ["kind": .string(access.resource)]
        details["name"] = access.name.map(JSON.string)
        if !access.group.isEmpty { details["group"] = .string(access.group) }
        return APIFailure(
            code: 403,
            reason: "Forbidden",
            message: "\(subject) is forbidden: User \"\(user)\" cannot \(access.verb) resource \"\(full)\" "
                + "in API group \"\(access.group)\" \(place)",
            details: details
        )
    }
}
