package import Support

/// One request to the API server, as a value that tests can compare without a server.
package struct KubernetesRequest: Sendable, Equatable {
    /// The HTTP method.
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
    }

    /// One item of the query string.
    package struct QueryItem: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var method: Method
    /// The path segments, not percent-encoded.
    package var path: [String]
    package var query: [QueryItem] = []
    /// The value of the `Accept` header: the supported media types, the preferred one first.
    package var accept = Self.json
    package var contentType: String?
    package var body: JSONValue?

    static let json = "application/json"

    /// The path and the query, percent-encoded.
    package var target: String {
        let path = path.map { "/" + Self.encoded($0) }.joined()
        let query = query.map { "\(Self.encoded($0.name))=\(Self.encoded($0.value))" }.joined(separator: "&")
        return query.isEmpty ? path : "\(path)?\(query)"
    }

    /// Percent-encodes everything except the unreserved characters of RFC 3986, for path segments and query items.
    private static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.count == 1 ? "%0" + digits : "%" + digits
            }
        }
        return encoded
    }
}

extension KubernetesRequest {
    /// Reads a Node.
    package static func node(_ name: String) -> Self {
        Self(method: .get, path: nodePath(name))
    }

    /// Changes a Node by server-side apply.
    ///
    /// The content type is YAML. JSON is valid YAML, so the body is JSON.
    package static func applyNode(
        _ name: String,
        subresource: String? = nil,
        body: JSONValue,
        fieldManager: String,
        force: Bool
    ) -> Self {
        Self(
            method: .patch,
            path: nodePath(name, subresource),
            query: [QueryItem("fieldManager", fieldManager), QueryItem("force", force ? "true" : "false")],
            contentType: "application/apply-patch+yaml",
            body: body
        )
    }

    /// Changes a Node by JSON patch (RFC 6902).
    package static func patchNode(
        _ name: String,
        subresource: String? = nil,
        operations: [JSONPatchOperation],
        fieldManager: String
    ) -> Self {
        Self(
            method: .patch,
            path: nodePath(name, subresource),
            query: [QueryItem("fieldManager", fieldManager)],
            contentType: "application/json-patch+json",
            body: .array(operations.map(\.json))
        )
    }

    /// Creates an event.
    package static func createEvent(_ event: NodeEvent, namespace: String) -> Self {
        Self(
            method: .post,
            path: ["api", "v1", "namespaces", namespace, "events"],
            query: [QueryItem("fieldManager", event.component)],
            contentType: json,
            body: event.json(namespace: namespace)
        )
    }

    /// Watches one Node.
    ///
    /// - Parameters:
    ///   - name: The name of the Node.
    ///   - resourceVersion: The resource version after which changes are reported.
    ///   - seconds: The time after which the server ends the watch, in seconds.
    /// - Returns: The request.
    package static func watchNode(_ name: String, from resourceVersion: String, seconds: Int) -> Self {
        Self(
            method: .get,
            path: ["api", "v1", "nodes"],
            query: [
                QueryItem("watch", "true"),
                QueryItem("fieldSelector", "metadata.name=\(name)"),
                QueryItem("resourceVersion", resourceVersion),
                QueryItem("allowWatchBookmarks", "true"),
                QueryItem("timeoutSeconds", String(seconds)),
            ]
        )
    }

    private static func nodePath(_ name: String, _ subresource: String? = nil) -> [String] {
        ["api", "v1", "nodes", name] + [subresource].compactMap(\.self)
    }
}
