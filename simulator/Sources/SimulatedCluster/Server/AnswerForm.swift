/// The format in which a client requests objects.
public enum AnswerForm: Sendable, Equatable {
    case full
    /// `PartialObjectMetadata`, or a list of them.
    case metadataOnly

    /// Chooses the first format of an `Accept` header that the server supports.
    ///
    /// The server does not support `Table`. Clients that request it also accept plain JSON.
    ///
    /// - Throws: 406 when the server supports none of the formats.
    public init(accept: String?, isList: Bool) throws(APIFailure) {
        guard let accept, !accept.isEmpty else {
            self = .full
            return
        }
        for clause in accept.split(separator: ",") {
            let parts = clause.split(separator: ";").map { $0.filter { $0 != " " } }
            guard let type = parts.first else { continue }
            let options = Dictionary(parts.dropFirst().map(Self.option)) { first, _ in first }
            switch (type, options["as"]) {
            case ("application/json", .none), ("application/*", .none), ("*/*", .none):
                self = .full
                return
            case ("application/json", .some(isList ? "PartialObjectMetadataList" : "PartialObjectMetadata")):
                guard options["g"] == "meta.k8s.io", options["v"] == "v1" else { continue }
                self = .metadataOnly
                return
            default: continue
            }
        }
        throw .notAcceptable
    }

    private static func option(_ text: String) -> (String, String) {
        let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(pair[0]), pair.count > 1 ? String(pair[1]) : "")
    }

    /// Converts an object to this format.
    func object(_ object: JSON) -> JSON {
        switch self {
        case .full: object
        case .metadataOnly:
            [
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] ?? [:],
            ]
        }
    }

    /// Converts a list of objects to this format.
    ///
    /// As in the real server, the items of a full list have no kind and no API version.
    func list(_ objects: [JSON], of resource: Resource, version: Int) -> JSON {
        let items = objects.map { object in
            var item = self.object(object)
            if self == .full {
                item["kind"] = nil
                item["apiVersion"] = nil
            }
            return item
        }
        return [
            "kind": .string(self == .full ? resource.kind + "List" : "PartialObjectMetadataList"),
            "apiVersion": .string(self == .full ? resource.groupVersion : "meta.k8s.io/v1"),
            "metadata": ["resourceVersion": .string(String(version))],
            "items": .array(items),
        ]
    }
}
