package import Documents
import NodeModel

/// A catalog file, with its effect on the files that were read before it.
package struct CatalogDocument: Sendable, Equatable {
    /// The effect of a file on the catalog that was read so far.
    package enum Mode: String, Sendable, CaseIterable {
        /// The file adds its entries.
        ///
        /// An entry changes the fields that it gives in an earlier entry with the same identity.
        case extend
        /// The file replaces the whole catalog, or everything but the Xids and SXids when it has none.
        case replace
    }

    package var mode: Mode
    package var catalog: Catalog
    /// The entries that replace an earlier entry completely (`replace: true`).
    package var replacing: Set<CatalogIdentity>
    /// The place of each entry.
    package var places: [CatalogIdentity: DocumentPlace]

    /// Reads a catalog file, or returns all its problems.
    package static func read(_ document: DocumentNode) -> Result<CatalogDocument, DocumentProblems> {
        var reader = DocumentReader()
        let read = reader.catalogDocument(document)
        guard reader.problems.isEmpty, let read else { return .failure(DocumentProblems(reader.problems)) }
        return .success(read)
    }
}

extension DocumentReader {
    fileprivate mutating func catalogDocument(_ node: DocumentNode) -> CatalogDocument? {
        let known = ["apiVersion", "kind", "mode", "gpus", "vgpuTypes", "platforms", "drivers", "xids", "sxids"]
        guard let fields = fields(node, of: "the catalog", known: known) else { return nil }
        header(fields, kind: "DriverCatalog")
        let mode: CatalogDocument.Mode? = fields["mode"].map { choice($0, "mode") } ?? .extend
        var places: [CatalogIdentity: DocumentPlace] = [:]
        var replacing: Set<CatalogIdentity> = []
        let gpus = entries(fields["gpus"], of: "gpus", &places, &replacing) { reader, node in
            reader.gpu(node).map { [($0, .gpu($0.id), node)] } ?? []
        }
        let types = entries(fields["vgpuTypes"], of: "vgpuTypes", &places, &replacing) { reader, node in
            reader.vgpuTypes(node).map { ($0.type, .vgpuType($0.type.key), $0.node) }
        }
        let platforms = entries(fields["platforms"], of: "platforms", &places, &replacing) { reader, node in
            reader.platform(node).map { [($0, .platform($0.name), node)] } ?? []
        }
        let drivers = entries(fields["drivers"], of: "drivers", &places, &replacing) { reader, node in
            reader.driver(node).map { [($0, .driver($0.identity), node)] } ?? []
        }
        let xids = entries(fields["xids"], of: "xids", &places, &replacing) { reader, node in
            reader.xid(node).map { [($0, .xid($0.code), node)] } ?? []
        }
        let sxids = entries(fields["sxids"], of: "sxids", &places, &replacing) { reader, node in
            reader.sxid(node).map { [($0, .sxid($0.code), node)] } ?? []
        }
        guard let mode else { return nil }
        return CatalogDocument(
            mode: mode,
            catalog: Catalog(
                gpus: gpus,
                vgpuTypes: types,
                platforms: platforms,
                drivers: drivers,
                xids: xids,
                sxids: sxids
            ),
            replacing: replacing,
            places: places
        )
    }

    /// Reads a list of entries, and reports entries with the same identity.
    ///
    /// An item of the list can contain several entries.
    private mutating func entries<Entry>(
        _ node: DocumentNode?,
        of what: String,
        _ places: inout [CatalogIdentity: DocumentPlace],
        _ replacing: inout Set<CatalogIdentity>,
        read: (inout DocumentReader, DocumentNode) -> [(entry: Entry, identity: CatalogIdentity, node: DocumentNode)]
    ) -> [Entry] {
        var entries: [Entry] = []
        for item in items(node, of: what) {
            let replaces = replaces(item)
            for (entry, identity, node) in read(&self, item) {
                if replaces { replacing.insert(identity) }
                if let first = places.updateValue(node.place, forKey: identity) {
                    report("duplicate entry '\(identity)' in \(what); the first one is on line \(first.line)", at: node)
                }
                entries.append(entry)
            }
        }
        return entries
    }

    /// Whether an item of a list has `replace: true`.
    private mutating func replaces(_ item: DocumentNode) -> Bool {
        guard case .mapping(let entries) = item.content,
            let entry = entries.first(where: { $0.key.isPlain("replace") })
        else { return false }
        return boolean(entry.value, "replace") ?? false
    }

    /// Checks the fields `apiVersion` and `kind`, which every document of the agent has.
    package mutating func header(_ fields: Fields, kind: String) {
        for (key, expected) in [("apiVersion", NodeFacts.currentAPIVersion), ("kind", kind)] {
            guard let node = required(fields, key), let found = text(node, key), found != expected else { continue }
            report("\(key) is '\(found)' and must be '\(expected)'", at: node)
        }
    }
}
