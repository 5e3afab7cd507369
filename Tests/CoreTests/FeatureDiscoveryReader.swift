import Documents
import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// A node, and the labels of GPU feature discovery that it has.
struct FeatureDiscoveryCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var facts: NodeFacts
    var policy: Policy
    /// All labels below `nvidia.com/`, without this prefix.
    var labels: [String: String]
    /// The keys of the labels that do not change.
    var left: Set<String>
}

/// Reads the tables in `FeatureDiscovery/`, and reports every mistake with its place.
///
/// A row has these fields:
///
/// - `source`: which file of feature discovery says it; for people.
/// - `gpus`: a list of lines such as `2x a100 mig 7x1g.10gb,2g.20gb`. `GPULine` explains the words.
/// - `strategy`: the MIG strategy; `single` when it is missing.
/// - `sharing`: `none`, or `time-slicing` or `mps` with replicas of resources; nothing is known when it is missing.
/// - `driver`, `cuda`, `machine`: the version or the name; `none` or `unreadable`. `deprecated`: the switch.
/// - `labels`: the labels. With `like`, those of an earlier row stay, but for those in `absent`.
/// - `left`: the keys that do not change.
struct FeatureDiscoveryReader {
    static func all() throws -> [FeatureDiscoveryCase] {
        try ["labels.yaml", "mig.yaml"].flatMap { name in
            let text = [UInt8](try Data(contentsOf: URL(filePath: fixture("FeatureDiscovery/\(name)"))))
            var reader = DocumentReader()
            let cases = reader.featureDiscovery(try YAMLDocument.parse(text, file: name))
            guard reader.problems.isEmpty else { throw DocumentProblems(reader.problems) }
            return cases
        }
    }
}

extension DocumentReader {
    fileprivate mutating func featureDiscovery(_ node: DocumentNode) -> [FeatureDiscoveryCase] {
        guard let fields = fields(node, of: "the file", known: ["models", "profiles", "situations"]) else { return [] }
        var table = GPUTable()
        for (name, node) in entries(fields["models"]) { table.models[name] = model(node) }
        for (name, node) in entries(fields["profiles"]) { table.profiles[name] = profile(node) }
        var found: [String: FeatureDiscoveryCase] = [:]
        return items(fields["situations"], of: "situations").compactMap { node in
            guard let row = featureDiscoveryCase(node, table, after: found) else { return nil }
            if found.updateValue(row, forKey: row.testDescription) != nil {
                report("'\(row.testDescription)' stands twice", at: node)
            }
            return row
        }
    }

    /// The entries of a mapping with any keys.
    private mutating func entries(_ node: DocumentNode?) -> [(String, DocumentNode)] {
        guard let node else { return [] }
        guard case .mapping(let entries) = node.content else {
            report("this must be a mapping", at: node)
            return []
        }
        return entries.compactMap { entry in text(entry.key, "a key").map { ($0, entry.value) } }
    }

    private mutating func model(_ node: DocumentNode) -> GPUFacts? {
        guard let fields = fields(node, of: "a model", known: ["name", "memory", "compute"]),
            let name = required(fields, "name").flatMap({ text($0, "name") }),
            let memory = required(fields, "memory").flatMap({ value($0, "memory", form: "a number", Int.init) }),
            let compute = required(fields, "compute").flatMap({ node in
                value(node, "compute", form: "major.minor") { text -> ComputeCapability? in
                    let numbers = text.split(separator: ".").compactMap { Int($0) }
                    return numbers.count == 2 ? ComputeCapability(major: numbers[0], minor: numbers[1]) : nil
                }
            })
        else { return nil }
        var gpu = GPUFacts.h100
        gpu.name = .present(name)
        gpu.memoryMiB = .present(memory)
        gpu.computeCapability = .present(compute)
        gpu.migMode = .absent
        return gpu
    }

    private mutating func profile(_ node: DocumentNode) -> MIGAttributes? {
        guard let fields = fields(node, of: "a profile", known: ["memory", "values"]),
            let memory = required(fields, "memory").flatMap({ integer($0, "memory") })
        else { return nil }
        let values = items(fields["values"], of: "values").compactMap {
            value($0, "a value", form: "a number", Int.init)
        }
        guard values.count == 8 else {
            report("a profile has 8 values", at: node)
            return nil
        }
        return MIGAttributes(
            multiprocessors: values[0],
            gpuInstanceSlices: values[1],
            computeInstanceSlices: values[2],
            copyEngines: values[3],
            decoders: values[4],
            encoders: values[5],
            jpegEngines: values[6],
            opticalFlowEngines: values[7],
            memoryMiB: memory
        )
    }

    private mutating func featureDiscoveryCase(
        _ node: DocumentNode,
        _ table: GPUTable,
        after earlier: [String: FeatureDiscoveryCase]
    ) -> FeatureDiscoveryCase? {
        let known = [
            "name", "source", "strategy", "sharing", "gpus", "driver", "cuda", "machine", "deprecated", "like",
            "labels",
            "absent", "left",
        ]
        guard let fields = fields(node, of: "a situation", known: known), required(fields, "source") != nil,
            let name = required(fields, "name").flatMap({ text($0, "name") }), let gpus = required(fields, "gpus")
        else { return nil }
        let lines = items(gpus, of: "gpus").compactMap {
            value($0, "gpus", form: "a GPU such as 2x a100 mig off") { GPULine($0, table) }
        }
        var labels: [String: String] = [:]
        if let like = fields["like"] {
            labels = value(like, "like", form: "an earlier row") { earlier[$0]?.labels } ?? [:]
        }
        for node in items(fields["absent"], of: "absent")
        where labels.removeValue(forKey: text(node, "key") ?? "") == nil {
            report("the earlier row has no such label", at: node)
        }
        for (key, node) in entries(fields["labels"]) {
            guard case .scalar(let value, quoted: _) = node.content else {
                report("a label must be text", at: node)
                continue
            }
            if labels.updateValue(value, forKey: key) == value {
                report("the earlier row has this value, too", at: node)
            }
        }
        var policy = Policy()
        policy.migStrategy = fields["strategy"].flatMap { choice($0, "strategy") } ?? .single
        policy.deprecatedLabels = fields["deprecated"].flatMap { boolean($0, "deprecated") } ?? false
        return FeatureDiscoveryCase(
            testDescription: name,
            facts: facts(lines, fields),
            policy: policy,
            labels: labels,
            left: Set(items(fields["left"], of: "left").compactMap { text($0, "a key") })
        )
    }

    private mutating func facts(_ lines: [GPULine], _ fields: Fields) -> NodeFacts {
        var facts = NodeFacts.h100
        let all = lines.flatMap { Array(repeating: $0, count: $0.count) }.enumerated()
        facts.pci = .present(all.map { $1.function.at(bus: UInt8($0)) })
        let driver = fields["driver"].flatMap { text($0, "driver") } ?? "595.71.05"
        if driver != "none" {
            facts.driver = .loaded(driver, .open, kind: .datacenter)
            facts.vendor = .answering(driver, gpus: all.map { $1.gpu.at(index: $0) })
        }
        if fields["cuda"].flatMap({ text($0, "cuda") }) == "unreadable" {
            facts = facts.withNVML { $0.cudaVersion = .unreadable(.denied) }
        }
        switch fields["machine"].flatMap({ text($0, "machine") }) {
        case nil: break
        case "none": facts.host.dmi = .present(DMIFacts(systemVendor: nil, productName: nil, chassisAssetTag: nil))
        case "unreadable": facts.host.dmi = .unreadable(.denied)
        case .some(let name):
            facts.host.dmi = .present(DMIFacts(systemVendor: nil, productName: name, chassisAssetTag: nil))
        }
        if let node = fields["sharing"] {
            let sharing = value(node, "sharing", form: "none, or time-slicing or mps with RESOURCE=COUNT") {
                DeviceSharing(compact: $0)
            }
            let process = DevicePluginProcess(pid: 7, strategy: .present(.single), source: .preset, sharing: sharing)
            facts.devicePlugin = DevicePluginFacts(processes: .present([process]))
        }
        return facts
    }
}
