/// The form in which a client wants objects.
public enum AnswerForm: Sendable, Equatable {
    case full
    /// `PartialObjectMetadata`, or a list of them.
    case metadataOnly

    /// Chooses the first form of an `Accept` header that the server can give.
    ///
    /// A `Table` is not among them: clients that ask for one accept plain JSON too.
    ///
    /// - Throws: 406 when there is none.
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
        throw .notAcceptable(["application/json"])
    }

    private static func option(_ text: String) -> (String, String) {
        let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(pair[0]), pair.count > 1 ? String(pair[1]) : "")
    }

    /// One object in this form.
    func object(_ object: JSON) -> JSON {
        switch self {
        case .full: object
        case .metadataOnly:
            [
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] ?? [:],
            ]
        }
    }

    /// A list of objects in this form.
    ///
    /// The real server leaves kind and version out of a full list's items.
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
