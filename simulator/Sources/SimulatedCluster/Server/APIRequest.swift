public import FoundationEssentials

/// An API request.
public struct APIRequest: Sendable {
    public var method: String
    /// The path with the query, as the client sent it.
    public var target: String
    /// The decoded segments of the path.
    public var path: [String]
    public var query: [String: String]
    public var accept: String?
    public var contentType: String?
    public var userAgent: String?
    public var token: String?
    public var body: Data

    public init(
        method: String,
        target: String,
        accept: String? = nil,
        contentType: String? = nil,
        userAgent: String? = nil,
        authorization: String? = nil,
        body: Data = Data()
    ) {
        self.method = method
        self.target = target
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        path = parts[0].split(separator: "/").map(Self.decoded)
        query = [:]
        for item in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let text = pair.map { Self.decoded($0.replacing("+", with: " ")) }
            if query[text[0]] == nil { query[text[0]] = text.count > 1 ? text[1] : "" }
        }
        self.accept = accept
        self.contentType = contentType
        self.userAgent = userAgent
        if let authorization, authorization.hasPrefix("Bearer ") {
            token = String(authorization.dropFirst("Bearer ".count))
        }
        self.body = body
    }

    /// Decodes percent-encoded text; a malformed sequence stays as it is.
    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == UInt8(ascii: "%"), digits.count == 2, let value = UInt8(digits, radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The content type without its parameters.
    var mediaType: String? {
        contentType?.split(separator: ";").first.map { $0.filter { $0 != " " } }
    }

    /// The body as JSON.
    func json() throws(APIFailure) -> JSON {
        do {
            return try JSON(parsing: body)
        } catch {
            throw .badRequest("error decoding the body: \(error)")
        }
    }

    /// The body of an apply, which is YAML; JSON is YAML too.
    func yaml() throws(APIFailure) -> JSON {
        let json: JSON
        if let parsed = try? JSON(parsing: body) {
            json = parsed
        } else {
            do throws(YAMLFileError) { json = try YAMLFile.documents(Array(body), file: "body").first ?? .null } catch {
                throw .badRequest("error decoding YAML: \(error.message)")
            }
        }
        guard json.object != nil else {
            throw .badRequest(
                "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into "
                    + "Go value of type map[string]interface {}"
            )
        }
        return json
    }

    /// The field manager: the one in the query, or else the first part of the user agent.
    var fieldManager: String {
        if let manager = query["fieldManager"], !manager.isEmpty { return manager }
        let agent = userAgent?.split(separator: "/").first.map(String.init)
        return agent.map { String($0.prefix(128)) } ?? "unknown"
    }

    var isWatch: Bool { ["true", "1"].contains(query["watch"] ?? "") }
}

/// The response to an API request.
public struct APIAnswer: Sendable {
    /// The body of the response.
    public enum Body: Sendable {
        case json(JSON)
        case text(String)
        case watch(WatchPlan)
        /// No response: the server closes the connection.
        case dropped
    }

    public var status: Int
    public var body: Body
    public var retryAfter: Int?

    init(_ status: Int, _ body: Body, retryAfter: Int? = nil) {
        self.status = status
        self.body = body
        self.retryAfter = retryAfter
    }

    init(_ failure: APIFailure) {
        self.init(failure.code, .json(failure.json), retryAfter: failure.retryAfter)
    }
}
