import Catalog
import Documents
import FoundationEssentials
import NodeModel
import TestSupport

/// The known GPUs, vGPU types and drivers from other sources (`Reference/`), as situations.
///
/// There is one situation for each entry of the catalog. A catalog without the entry, or with other values, fails it.
struct CatalogReference {
    /// A situation with the catalog entry that it tests: `2bb5`, `2bb5:2187`, `grid-azure-595.91.07-x86_64`.
    struct Keyed: Sendable {
        var key: String
        var situation: Situation
    }

    static func all() throws -> [Keyed] { try vgpuTypes() + gpus() + drivers() }

    static func vgpuTypes() throws -> [Keyed] {
        var reader = DocumentReader()
        let rows = reader.cards(try document("vgpu-types.yaml"))
        guard reader.problems.isEmpty else { throw DocumentProblems(reader.problems) }
        return rows
    }

    static func gpus() throws -> [Keyed] {
        var reader = DocumentReader()
        let rows = reader.gpus(try document("gpus.yaml"))
        guard reader.problems.isEmpty else { throw DocumentProblems(reader.problems) }
        return rows
    }

    private static func document(_ name: String) throws -> DocumentNode {
        let text = try Data(contentsOf: URL(filePath: fixture("Reference/\(name)")))
        return try YAMLDocument.parse([UInt8](text), file: name)
    }

    /// Drivers of every branch, so that the limits of a GPU affect the selection.
    fileprivate static let oneOfEachBranch: [CatalogDriver] = ["datacenter", "grid"].flatMap { kind in
        ["390.1", "470.1", "535.1", "580.1", "595.1"].compactMap { CatalogDriver(compact: "\(kind) \($0)") }
    }
}

/// The requirements of a GPU, according to the reference.
private struct Demand {
    var kind: DriverKind
    var kernelModuleTypes: [KernelModuleType]
    var first: Int?
    var last: Int?

    var sentence: String {
        let kernelModuleTypes = kernelModuleTypes.map(\.rawValue).joined(separator: " or ")
        let branches =
            switch (first, last) {
            case (let first?, let last?): " of branches \(first) to \(last)"
            case (let first?, nil): " of branch \(first) or newer"
            case (nil, let last?): " of branch \(last) or older"
            case (nil, nil): ""
            }
        let name = kind == .grid ? "GRID" : "datacenter"
        return "These GPUs need a \(name) driver\(branches) with \(kernelModuleTypes) kernel modules.\n"
    }

    var expected: Situation.Expectation {
        var expected = Situation.Expectation(action: .install)
        expected.kind = kind
        expected.kernelModuleType = kernelModuleTypes.first
        expected.version = .exactly(last.map { "\($0).1" } ?? "595.1")
        return expected
    }
}

extension DocumentReader {
    fileprivate mutating func cards(_ node: DocumentNode) -> [CatalogReference.Keyed] {
        entries(node, "cards", known: ["device", "takes", "from", "until", "types"]) { reader, fields in
            guard let device = fields["device"].flatMap({ reader.text($0, "device") }),
                let demand = reader.demand(fields, .grid), let types = fields["types"]
            else { return [] }
            return reader.pairs(types, of: "types").flatMap { beginning, node in
                (reader.text(node, "types") ?? "").split(separator: " ").compactMap { pair in
                    let pair = pair.split(separator: "=", maxSplits: 1).map(String.init)
                    guard pair.count == 2 else { return nil }
                    return reader.vgpuType(device, pair[0], beginning + pair[1], demand, node)
                }
            }
        }
    }

    /// A guest with one GPU of the type, with a subsystem vendor that proves nothing.
    private func vgpuType(
        _ device: String,
        _ subsystem: String,
        _ name: String,
        _ demand: Demand,
        _ node: DocumentNode
    ) -> CatalogReference.Keyed? {
        guard let gpu = CompactFunction("\(device) sub abcd:\(subsystem)") else { return nil }
        var expected = demand.expected
        expected.says = ["is the vGPU type \(name).\n", demand.sentence]
        // Most of GB200's types count a GB more than NVIDIA's MIG guide does, and those of RTX 6000D are in no guide.
        if let parsed = VGPUName(name), parsed.mode == .migBacked,
            let slices = parsed.slices, let memory = parsed.frameBufferGB, device != "2bb9",
            device != "2941" || memory == 47
        {
            let profile = "\(slices)g.\(memory)gb" + (parsed.hasMediaEngines ? "+me" : "")
            expected.says.append("guest: \(name), mig-backed, 1 MIG devices of \(profile), ")
        }
        return situation("\(device):\(subsystem)", [gpu.function], expected, node)
    }

    fileprivate mutating func gpus(_ node: DocumentNode) -> [CatalogReference.Keyed] {
        entries(node, "gpus", known: ["id", "name", "takes", "from", "until", "fabric", "boards"]) { reader, fields in
            guard let device = fields["id"].flatMap({ reader.text($0, "id") }),
                let name = fields["name"].flatMap({ reader.text($0, "name") }),
                let demand = reader.demand(fields, .datacenter), let board = CompactFunction("\(device) sub abcd:0000"),
                let nvSwitch = CompactFunction("22a3 class 0680")
            else { return [] }
            let fabric = fields["fabric"].flatMap { reader.text($0, "fabric") }
            var expected = demand.expected
            expected.says = ["is the card \(name). ", demand.sentence]
            expected.needsFabricManager = fabric == "always"
            var rows = [reader.situation(device, [board.function], expected, fields.node)]
            expected.needsFabricManager = fabric != nil
            rows.append(reader.situation(device, [board.function, nvSwitch.function], expected, fields.node))
            expected.needsFabricManager = fabric == "always"
            expected.says = ["is the physical GPU \(name).\n", demand.sentence]
            // Read without root: the board's own id is then all that tells it from a vGPU.
            for id in (fields["boards"].flatMap { reader.text($0, "boards") } ?? "").split(separator: " ") {
                guard let board = CompactFunction("\(device) sub \(id) vf unreadable") else { continue }
                rows.append(reader.situation(device, [board.function], expected, fields.node))
            }
            return rows
        }
    }

    private mutating func entries(
        _ node: DocumentNode,
        _ list: String,
        known: [String],
        read: (inout DocumentReader, Fields) -> [CatalogReference.Keyed]
    ) -> [CatalogReference.Keyed] {
        guard let top = fields(node, of: "the file", known: [list]) else { return [] }
        return items(top[list], of: list).flatMap { node in
            fields(node, of: list, known: known).map { read(&self, $0) } ?? []
        }
    }

    private mutating func demand(_ fields: Fields, _ kind: DriverKind) -> Demand? {
        let kernelModuleTypes: [String: [KernelModuleType]] = [
            "either": [.open, .proprietary], "open": [.open], "proprietary": [.proprietary],
        ]
        guard let takes = fields["takes"].flatMap({ text($0, "takes") }),
            let kernelModuleTypes = kernelModuleTypes[takes]
        else {
            report("takes must be either, open or proprietary", at: fields.node)
            return nil
        }
        let first = fields["from"].flatMap { integer($0, "from") }
        let last = fields["until"].flatMap { integer($0, "until") }
        return Demand(kind: kind, kernelModuleTypes: kernelModuleTypes, first: first, last: last)
    }

    private func situation(
        _ key: String,
        _ functions: [PCIFunction],
        _ expected: Situation.Expectation,
        _ node: DocumentNode
    ) -> CatalogReference.Keyed {
        let functions = functions.enumerated().map { index, function in function.at(bus: UInt8(index + 1)) }
        return CatalogReference.Keyed(
            key: key,
            situation: Situation(
                place: node.place,
                name: key,
                facts: .bare.with { $0.pci = .present(functions) },
                policy: Policy(),
                drivers: CatalogReference.oneOfEachBranch,
                expected: expected,
                faults: []
            )
        )
    }
}
