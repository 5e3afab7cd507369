import FoundationEssentials

/// The format in which a client requests objects.
enum AnswerForm: Sendable, Equatable {
    case full
    /// `PartialObjectMetadata`, or a list of them.
    case metadataOnly
    case table(Table)

    /// Chooses the first format of an `Accept` header that the server supports.
    ///
    /// - Parameters:
    ///   - accept: The header; nil for plain JSON.
    ///   - isList: Whether the client requests a list.
    ///   - now: The time for the ages in a table.
    /// - Throws: 406 when the server supports none of the formats.
    init(accept: String?, isList: Bool, now: Date) throws(APIFailure) {
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
            case ("application/json", .some("Table")):
                guard options["g"] == "meta.k8s.io", options["v"] == "v1" else { continue }
                self = .table(Table(now: now))
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
    func object(_ object: JSON, of resource: Resource) -> JSON {
        switch self {
        case .full: object
        case .table(let table):
            table.json([object], of: resource, version: object[path: ["metadata", "resourceVersion"]]?.string)
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
        if case .table(let table) = self { return table.json(objects, of: resource, version: String(version)) }
        let items = objects.map { object in
            var item = self.object(object, of: resource)
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
