import FoundationEssentials
import Support

/// The `Status` object in the API server's response to a failed request.
struct StatusDocument: Decodable {
    struct Details: Decodable {
        var causes: [Cause]?
        var retryAfterSeconds: Int?
    }

    struct Cause: Decodable {
        var reason: String?
        var message: String?
        var field: String?
    }

    var kind: String?
    var message: String?
    var reason: String?
    var code: Int?
    var details: Details?
}

extension KubernetesError {
    /// The error for a response with an HTTP error status.
    ///
    /// Proxies and the server's overload filter respond with plain text instead of a `Status`. Then the first line of
    /// the text is the message.
    ///
    /// - Parameters:
    ///   - status: The HTTP status.
    ///   - retryAfter: The value of the `Retry-After` header.
    ///   - body: The body of the response.
    ///   - subject: The name of the request, for messages.
    init(status: Int, retryAfter: String?, body: Data, subject: String) {
        let decoded = try? JSONDecoder().decode(StatusDocument.self, from: body)
        if let document = decoded, document.kind == "Status" {
            self.init(status: status, retryAfter: retryAfter, document: document, subject: subject)
            return
        }
        let text = String(decoding: body.prefix(200), as: UTF8.self)
        let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? "no message"
        let document = StatusDocument(message: line)
        self.init(status: status, retryAfter: retryAfter, document: document, subject: subject)
    }

    /// The most fields of an answer that are kept.
    private static let causeLimit = 50

    /// The error for a `Status`; `status` is the HTTP status, or the code in the object.
    init(status: Int, retryAfter: String? = nil, document: StatusDocument, subject: String) {
        // The server can quote a whole object, and a program in between can send any text.
        let message = (document.message ?? "no message").visible.shortened(to: 1024)
        let causes = (document.details?.causes ?? []).prefix(Self.causeLimit)
        let delay =
            retryAfter.flatMap { Duration(retryAfter: $0) }
            ?? document.details?.retryAfterSeconds.map { Duration(asked: $0) }
        let budgets = causes.filter { $0.reason == "DisruptionBudget" }.map { ($0.message ?? "").bounded }
        switch status {
        case 401: self = .unauthorized(subject: subject)
        case 403: self = .forbidden(message: message)
        case 404: self = .notFound(message: message)
        case 409 where document.reason == "AlreadyExists": self = .alreadyExists(message: message)
        case 409: self = .conflict(message: message, fields: causes.compactMap(FieldConflict.init))
        case 410: self = .gone(message: message)
        case 415: self = .unsupportedMediaType(message: message)
        case 422: self = .invalid(message: message, causes: causes.map(InvalidField.init))
        case 429 where !budgets.isEmpty:
            self = .disruptionBudget(message: budgets.joined(separator: "; ").shortened(to: 1024), retryAfter: delay)
        case 429: self = .tooManyRequests(retryAfter: delay)
        case 500 where message.hasPrefix("This pod has more than one PodDisruptionBudget"):
            self = .severalBudgets(message: message)
        default: self = .server(status: status, message: message, retryAfter: delay)
        }
    }
}

extension FieldConflict {
    /// Finds the manager in the message `conflict with "manager" using v1`; no other field names it.
    init?(_ cause: StatusDocument.Cause) {
        guard cause.reason == "FieldManagerConflict", let field = cause.field else { return nil }
        let quoted = (cause.message ?? "").split(separator: "\"", omittingEmptySubsequences: false)
        self.init(field: field.bounded, manager: quoted.count >= 3 ? String(quoted[1]).bounded : "")
    }
}

extension InvalidField {
    init(_ cause: StatusDocument.Cause) {
        self.init(
            field: (cause.field ?? "").bounded,
            reason: (cause.reason ?? "").bounded,
            message: (cause.message ?? "").bounded
        )
    }
}

extension String {
    /// The text of a server as a short line.
    fileprivate var bounded: String { visible.shortened(to: 256) }
}
