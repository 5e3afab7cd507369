package import Documents
import NodeModel

/// Merges catalog files, and notes what may be a mistake in the result.
package struct CatalogReview: Sendable, Equatable {
    /// The merged catalog.
    package private(set) var catalog = Catalog()
    /// The place of each entry of the merged catalog.
    package private(set) var places: [CatalogIdentity: DocumentPlace] = [:]
    /// What may be a mistake in the merged catalog.
    ///
    /// Each file on its own is valid.
    package private(set) var notes: [DocumentProblem] = []

    /// Merges the files in their order, and adds the notes of the caller.
    package init(_ documents: [CatalogDocument], notes others: [DocumentProblem] = []) {
        notes = others
        for document in documents { add(document) }
        notes += lostPlatforms + overlaps + unreachableDrivers
        notes.sort { ($0.place.file, $0.place.line, $0.place.column) < ($1.place.file, $1.place.line, $1.place.column) }
        notes = ProblemList(notes).problems
    }

    private mutating func add(_ document: CatalogDocument) {
        catalog = catalog.applying(document)
        guard document.mode == .extend else {
            let lists = [
                document.catalog.xids.isEmpty ? "xids" : nil, document.catalog.sxids.isEmpty ? "sxids" : nil,
            ]
            let kept = places.filter { lists.contains($0.key.list) }
            places = document.places.merging(kept) { new, _ in new }
            return
        }
        for (identity, place) in document.places {
            if let earlier = places.updateValue(place, forKey: identity) {
                let verb = document.replacing.contains(identity) ? "replaces" : "changes"
                note("'\(identity)' in \(identity.list) \(verb) the entry at \(earlier)", at: place)
            }
        }
    }

    private mutating func note(_ message: String, at place: DocumentPlace) {
        notes.append(DocumentProblem(message, at: place))
    }

    private func problem(_ identity: CatalogIdentity, _ message: String) -> DocumentProblem? {
        places[identity].map { DocumentProblem(message, at: $0) }
    }

    /// Platforms that are never selected, because an earlier platform always matches first.
    private var lostPlatforms: [DocumentProblem] {
        var first: [PlatformRule: (number: Int, name: String)] = [:]
        return catalog.platforms.enumerated().compactMap { number, platform in
            let rule = PlatformRule(vendor: platform.systemVendor, tag: platform.chassisAssetTag)
            defer { first[rule] = first[rule] ?? (number, platform.name) }
            let winner = rule.wider.compactMap { first[$0] }.min { $0.number < $1.number }
            return winner.flatMap {
                problem(
                    .platform(platform.name),
                    "platform '\(platform.name)' is never selected: platform '\($0.name)' always matches first"
                )
            }
        }
    }

    /// Boards whose IDs are also those of a vGPU type.
    private var overlaps: [DocumentProblem] {
        catalog.gpus.values.flatMap { gpu in
            gpu.subsystems.compactMap { board in
                let key = VGPUTypeKey(device: gpu.id.device, subsystemDevice: board.device)
                guard gpu.id.vendor == PCIFunction.nvidiaVendor, let type = catalog.vgpuTypes[key] else { return nil }
                return problem(
                    .gpu(gpu.id),
                    "board \(board) of GPU \(gpu.id) is never recognized: "
                        + "its IDs are those of the vGPU type \(type.name)"
                )
            }
        }
    }

    /// Drivers that no GPU, vGPU type or platform of the catalog can use.
    private var unreachableDrivers: [DocumentProblem] {
        let platforms = Set(catalog.platforms.map(\.name))
        let cards = Set(catalog.gpus.values.map { Demand($0.kernelModuleTypes, $0.minBranch, $0.maxBranch) })
        let types = Set(catalog.vgpuTypes.values.map { Demand($0.kernelModuleTypes, $0.minBranch, $0.maxBranch) })
        return catalog.drivers.compactMap { driver in
            let demands = driver.kind == .grid ? types : cards
            if let platform = driver.platform, !platforms.contains(platform) {
                return problem(
                    .driver(driver.identity),
                    "\(driver.identity) is never selected: no platform has the name '\(platform)'"
                )
            }
            guard !demands.contains(where: { $0.takes(driver) }) else { return nil }
            let user = driver.kind == .grid ? "vGPU type" : "GPU"
            return problem(
                .driver(driver.identity),
                "\(driver.identity) is never selected: no \(user) in the catalog supports it"
            )
        }
    }
}

/// What a GPU or a vGPU type needs of a driver.
private struct Demand: Hashable {
    var kernelModuleTypes: Set<KernelModuleType>
    var branches: ClosedRange<Int>

    init(_ kernelModuleTypes: [KernelModuleType], _ first: Int?, _ last: Int?) {
        self.kernelModuleTypes = Set(kernelModuleTypes)
        branches = (first ?? 0)...max(first ?? 0, last ?? .max)
    }

    func takes(_ driver: CatalogDriver) -> Bool {
        branches.contains(driver.version.branch) && !kernelModuleTypes.isDisjoint(with: driver.kernelModuleTypes)
    }
}

/// The conditions of a platform; nil matches every text.
private struct PlatformRule: Hashable {
    var vendor: String?
    var tag: String?

    /// All rules that match every machine that this rule matches, including this rule.
    var wider: Set<PlatformRule> {
        [self, PlatformRule(vendor: vendor), PlatformRule(tag: tag), PlatformRule()]
    }
}
