/// One catalog file: its content and how it goes together with what was read before it.
package struct CatalogDocument: Sendable, Equatable {
    /// What a file does to the catalog read so far.
    package enum Mode: String, Sendable, CaseIterable {
        /// Its entries are added, and replace those of the same identity.
        case extend
        /// It stands alone.
        case replace
    }

    package var mode: Mode
    package var catalog: Catalog

    /// Reads a catalog file from its document, or gives every problem in it.
    package static func read(_ document: DocumentNode) -> Result<CatalogDocument, DocumentProblems> {
        var reader = DocumentReader()
        let read = reader.catalogDocument(document)
        guard reader.problems.isEmpty, let read else { return .failure(DocumentProblems(reader.problems)) }
        return .success(read)
    }
}

/// All the problems of one or more documents, as one error.
package struct DocumentProblems: Error, Sendable, Equatable, CustomStringConvertible {
    package var problems: [DocumentProblem]

    package init(_ problems: [DocumentProblem]) {
        self.problems = problems
    }

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

extension DocumentReader {
    fileprivate mutating func catalogDocument(_ node: DocumentNode) -> CatalogDocument? {
        let known = ["apiVersion", "kind", "mode", "gpus", "vgpuTypes", "platforms", "drivers"]
        guard let fields = fields(node, of: "the catalog", known: known) else { return nil }
        header(fields, kind: "DriverCatalog")
        let mode: CatalogDocument.Mode? = fields["mode"].map { choice($0, "mode") } ?? .extend
        let gpus = entries(fields["gpus"], of: "gpus", \.id) { $0.gpu($1) }
        let types = entries(fields["vgpuTypes"], of: "vgpuTypes", \.key) { $0.vgpuType($1) }
        let platforms = entries(fields["platforms"], of: "platforms", \.name) { $0.platform($1) }
        let drivers = entries(fields["drivers"], of: "drivers", \.identity) { $0.driver($1) }
        guard let mode else { return nil }
        return CatalogDocument(
            mode: mode,
            catalog: Catalog(gpus: gpus, vgpuTypes: types, platforms: platforms, drivers: drivers)
        )
    }

    /// Reads a list whose entries must differ in their identity: which of two equal ones counts, nobody could tell.
    private mutating func entries<Entry, Identity: Hashable & CustomStringConvertible>(
        _ node: DocumentNode?,
        of what: String,
        _ identity: (Entry) -> Identity,
        read: (inout DocumentReader, DocumentNode) -> Entry?
    ) -> [Entry] {
        var seen: Set<Identity> = []
        return items(node, of: what).compactMap { item in
            guard let entry = read(&self, item) else { return nil }
            if !seen.insert(identity(entry)).inserted {
                report("'\(identity(entry))' stands twice in \(what)", at: item)
            }
            return entry
        }
    }

    /// Checks the two lines that every document of ours begins with.
    package mutating func header(_ fields: Fields, kind: String) {
        for (key, expected) in [("apiVersion", NodeFacts.currentAPIVersion), ("kind", kind)] {
            guard let node = required(fields, key), let found = text(node, key), found != expected else { continue }
            report("\(key) is '\(found)', not '\(expected)'", at: node)
        }
    }

    private mutating func gpu(_ node: DocumentNode) -> CatalogGPU? {
        let known = ["id", "name", "architecture", "subsystems", "flavours", "minBranch", "maxBranch"]
        guard let fields = fields(node, of: "a GPU", known: known) else { return nil }
        let id = required(fields, "id").flatMap { pciID($0, "id") }
        let name = required(fields, "name").flatMap { text($0, "name") }
        let architecture = required(fields, "architecture").flatMap { text($0, "architecture") }
        let subsystems = items(fields["subsystems"], of: "subsystems").compactMap { pciID($0, "a subsystem") }
        let flavours = flavours(fields)
        let minBranch = fields["minBranch"].flatMap { integer($0, "minBranch") }
        let maxBranch = fields["maxBranch"].flatMap { integer($0, "maxBranch") }
        if let minBranch, let maxBranch, minBranch > maxBranch {
            report("minBranch \(minBranch) is above maxBranch \(maxBranch)", at: node)
        }
        guard let id, let name, let architecture else { return nil }
        return CatalogGPU(
            id: id,
            name: name,
            architecture: architecture,
            subsystems: subsystems,
            flavours: flavours,
            minBranch: minBranch,
            maxBranch: maxBranch
        )
    }

    private mutating func vgpuType(_ node: DocumentNode) -> CatalogVGPUType? {
        let known = ["device", "subsystem", "name", "flavours", "minBranch"]
        guard let fields = fields(node, of: "a vGPU type", known: known) else { return nil }
        let device = required(fields, "device").flatMap { hexID($0, "device") }
        let subsystem = required(fields, "subsystem").flatMap { hexID($0, "subsystem") }
        let name = required(fields, "name").flatMap { text($0, "name") }
        let flavours = flavours(fields)
        let minBranch = fields["minBranch"].flatMap { integer($0, "minBranch") }
        guard let device, let subsystem, let name else { return nil }
        return CatalogVGPUType(
            key: VGPUTypeKey(device: device, subsystemDevice: subsystem),
            name: name,
            flavours: flavours,
            minBranch: minBranch
        )
    }

    private mutating func platform(_ node: DocumentNode) -> CatalogPlatform? {
        guard let fields = fields(node, of: "a platform", known: ["name", "systemVendor", "chassisAssetTag"]) else {
            return nil
        }
        let name = required(fields, "name").flatMap { text($0, "name") }
        let vendor = fields["systemVendor"].flatMap { text($0, "systemVendor") }
        let tag = fields["chassisAssetTag"].flatMap { text($0, "chassisAssetTag") }
        if fields["systemVendor"] == nil, fields["chassisAssetTag"] == nil {
            report("a platform needs 'systemVendor' or 'chassisAssetTag'", at: node)
        }
        guard let name else { return nil }
        return CatalogPlatform(name: name, systemVendor: vendor, chassisAssetTag: tag)
    }

    /// The list `flavours`, which must name at least one.
    mutating func flavours(_ fields: Fields) -> [ModuleFlavour] {
        guard let node = required(fields, "flavours") else { return [] }
        let items = items(node, of: "flavours")
        if case .sequence = node.content, items.isEmpty { report("flavours must name at least one flavour", at: node) }
        return items.compactMap { choice($0, "a flavour") }
    }

    private mutating func pciID(_ node: DocumentNode, _ what: String) -> PCIID? {
        value(node, what, form: "a pair of ids such as 10de:2bb5", PCIID.init)
    }

    private mutating func hexID(_ node: DocumentNode, _ what: String) -> UInt16? {
        value(node, what, form: "four hexadecimal digits") { text in
            text.utf8.count == 4 && isDigits(text, radix: 16) ? UInt16(text, radix: 16) : nil
        }
    }
}
