import Support

/// Why a request to the API server failed.
package enum KubernetesError: CausedError, Sendable {
    /// The environment does not name an API server.
    case notInCluster(missing: String)
    /// The file of the token or of the certificate authority cannot be read, or is empty.
    case credentials(path: String, cause: (any Error)?)
    /// There is no connection, it broke, or the certificate is not trusted. The cause is a `NetworkError`.
    case unreachable(subject: String, cause: any Error)
    /// No complete answer before the deadline.
    case timedOut(subject: String, after: Duration)
    /// The task that made the request was canceled.
    case cancelled(subject: String)
    /// 401: the token is missing, wrong or expired.
    case unauthorized(subject: String)
    /// 403, with the server's sentence: who may not do what to which object.
    case forbidden(message: String)
    /// 404: the object or its kind does not exist.
    case notFound(message: String)
    /// 409: another manager owns a field, or the object was changed since it was read.
    case conflict(message: String, fields: [FieldConflict])
    /// 409: an object of that name exists.
    case alreadyExists(message: String)
    /// 422: the object breaks a rule of its kind. The message is the server's.
    case invalid(message: String, causes: [InvalidField])
    /// 415: the server does not support the type of the patch.
    case unsupportedMediaType(message: String)
    /// 429: retry later, after the given time if there is one.
    case tooManyRequests(retryAfter: Duration?)
    /// 429: a budget of pods does not allow an eviction now. The message names the budget.
    case disruptionBudget(message: String, retryAfter: Duration?)
    /// 500: more than one budget selects the pod of an eviction, which the server does not support.
    case severalBudgets(message: String)
    /// 410: the server no longer has this resource version. Read the object again.
    case gone(message: String)
    /// Any other status that is an error.
    case server(status: Int, message: String, retryAfter: Duration?)
    /// The response does not follow the API.
    case malformed(subject: String, detail: String)
}

/// One field that another manager owns.
package struct FieldConflict: Sendable, Hashable {
    /// The field's path as the server prints it, such as `.spec.taints`.
    package var field: String
    /// The manager that owns it; empty when the server did not name it.
    package var manager: String

    package init(field: String, manager: String) {
        self.field = field
        self.manager = manager
    }
}

/// One field that the server refused.
package struct InvalidField: Sendable, Hashable {
    /// The field's path as the server prints it, such as `metadata.labels`.
    package var field: String
    /// The server's reason, such as `FieldValueInvalid`.
    package var reason: String
    package var message: String

    package init(field: String, reason: String, message: String) {
        self.field = field
        self.reason = reason
        self.message = message
    }
}

extension KubernetesError {
    /// Whether the agent itself gave the request up, because it ends.
    ///
    /// Such an error says nothing about the API server.
    package var isCancellation: Bool { if case .cancelled = self { true } else { false } }

    /// Whether a `test` operation of a JSON patch failed, or the object was changed since it was read.
    ///
    /// The API server answers a failed test with status 422 and the message below. A denial by a policy also has status
    /// 422, but its message names the policy. Source: responses of kube-apiserver 1.36.2.
    package var isFailedTest: Bool {
        switch self {
        case .conflict: true
        case .invalid(let message, let causes):
            causes.isEmpty && message == "the server rejected our request due to an error in our request"
        default: false
        }
    }

    /// Whether the description is a sentence of the API server, which need not name the request.
    package var isOfServer: Bool {
        switch self {
        case .forbidden, .notFound, .conflict, .alreadyExists, .invalid, .unsupportedMediaType, .tooManyRequests,
            .disruptionBudget, .severalBudgets, .gone, .server:
            true
        case .notInCluster, .credentials, .unreachable, .timedOut, .cancelled, .unauthorized, .malformed: false
        }
    }

    /// The error of the layer below, when there is one.
    package var cause: (any Error)? {
        switch self {
        case .credentials(_, let cause): cause
        case .unreachable(_, let cause): cause
        default: nil
        }
    }
}

extension KubernetesError {
    package var description: String {
        switch self {
        case .notInCluster(let missing): "not running in a cluster: \(missing) is not set"
        case .credentials(let path, .some): "cannot read \(path)"
        case .credentials(let path, .none): "\(path) is empty"
        case .unreachable(let subject, _): "\(subject) failed"
        case .timedOut(let subject, let limit): "\(subject) timed out after \(limit)"
        case .cancelled(let subject): "\(subject) was canceled"
        case .unauthorized(let subject): "the API server does not accept the token for \(subject)"
        case .forbidden(let message): message
        case .notFound(let message): message
        case .conflict(let message, _): message
        case .alreadyExists(let message): message
        case .invalid(let message, let causes):
            // A policy of another program can deny a write without saying which field it means.
            ([message] + causes.map(\.field).filter { !$0.isEmpty && !message.contains($0) }.map { "field \($0)" })
                .joined(separator: ", ").shortened(to: 1200)
        case .unsupportedMediaType(let message): message
        case .tooManyRequests(.some(let delay)): "the API server is busy and asks for a retry after \(delay)"
        case .tooManyRequests(.none): "the API server is busy"
        case .disruptionBudget(let message, _): message
        case .severalBudgets(let message): message
        case .gone(let message): message
        case .server(let status, let message, _): "the API server answered with status \(status): \(message)"
        case .malformed(let subject, let detail): "the response to \(subject) is malformed: \(detail)"
        }
    }
}
