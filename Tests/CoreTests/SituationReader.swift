import Catalog
import Documents
import FoundationEssentials
import Health
import NodeModel
import TestSupport

/// Reads the tables in `Situations/`, and reports every mistake with its place.
struct SituationReader {
    /// The values at the top of a file, which apply to all its rows.
    struct Defaults {
        var platform = "unknown"
        var architecture = Architecture.x86_64
    }

    /// The rows of all files, sorted by file name.
    static func all() throws -> [Situation] {
        let directory = fixture("Situations")
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }
        return try names.sorted().flatMap { name in
            try read([UInt8](try Data(contentsOf: URL(filePath: "\(directory)/\(name)"))), file: name)
        }
    }

    static func read(_ text: [UInt8], file: String) throws -> [Situation] {
        var reader = DocumentReader()
        let rows = reader.situations(try YAMLDocument.parse(text, file: file))
        guard reader.problems.isEmpty else { throw DocumentProblems(reader.problems) }
        return rows
    }
}

extension DocumentReader {
    fileprivate mutating func situations(_ node: DocumentNode) -> [Situation] {
        guard let fields = fields(node, of: "the file", known: ["platform", "architecture", "situations"]) else {
            return []
        }
        var defaults = SituationReader.Defaults()
        if let node = fields["platform"], let name = text(node, "platform") { defaults.platform = name }
        if let node = fields["architecture"] { defaults.architecture = choice(node, "architecture") ?? .x86_64 }
        var places: [String: DocumentPlace] = [:]
        return items(required(fields, "situations"), of: "situations").compactMap { node in
            guard let situation = situation(node, defaults) else { return nil }
            if let first = places.updateValue(node.place, forKey: situation.name) {
                report("'\(situation.name)' stands twice, first in line \(first.line)", at: node)
            }
            return situation
        }
    }

    private mutating func situation(_ node: DocumentNode, _ defaults: SituationReader.Defaults) -> Situation? {
        let known = [
            "name", "faults", "platform", "architecture", "os", "kernel", "gpus", "installed", "sources", "record",
            "traces", "modules", "labels", "users", "config", "drivers", "expect", "says", "silent",
        ]
        guard let fields = fields(node, of: "a situation", known: known),
            let name = required(fields, "name").flatMap({ text($0, "name") }),
            var expected = required(fields, "expect").flatMap({ expectation($0) })
        else { return nil }
        var facts = NodeFacts.bare
        let architecture: Architecture =
            fields["architecture"].flatMap { choice($0, "architecture") }
            ?? defaults.architecture
        let platform = fields["platform"].flatMap { text($0, "platform") } ?? defaults.platform
        if let machine = SituationMachine.all[platform] ?? SituationMachine.byKernel[platform] {
            facts.host.architecture = .present(architecture)
            facts.host.dmi = machine.dmi
            if let kernel = machine.kernel { facts.host.kernelRelease = .present(kernel) }
            // Processors of ARM do not say whether a hypervisor runs them.
            facts.host.hypervisor = architecture == .aarch64 ? .absent : machine.hypervisor
            expected.platform = architecture == .aarch64 && platform == "bare-metal" ? nil : machine.name
        } else {
            report("'\(platform)' is no platform of the tables", at: fields["platform"] ?? node)
        }
        host(fields, &facts)
        functions(fields, &facts)
        driver(fields, &facts)
        claims(fields, &facts)
        expected.says = items(fields["says"], of: "says").compactMap { text($0, "a text") }
        expected.silent = items(fields["silent"], of: "silent").compactMap { text($0, "a text") }
        let drivers = fields["drivers"].map { items($0, of: "drivers").compactMap { driver($0) } }
        return Situation(
            place: node.place,
            name: name,
            facts: facts,
            policy: fields["config"].map { policy($0) } ?? Policy(),
            drivers: drivers,
            expected: expected,
            faults: items(fields["faults"], of: "faults").compactMap { integer($0, "a fault") }
        )
    }

    private mutating func host(_ fields: Fields, _ facts: inout NodeFacts) {
        if let node = fields["os"], let system = text(node, "os") {
            var words = Words(system)
            var release = OSRelease(id: words.next() ?? "", versionID: nil, prettyName: nil)
            while let word = words.next() {
                switch word {
                case "variant": release.variantID = words.next()
                case "with-read-only-usr": facts.host.usrIsReadOnly = .present(true)
                default: release.versionID = word
                }
            }
            facts.host.osRelease = .present(release)
        }
        if let node = fields["kernel"], let release = text(node, "kernel") {
            facts.host.kernelRelease = .present(release)
        }
    }

    /// `install datacenter open 595+ fabric-manager`, `blocked foreign-driver of aks-image`.
    private mutating func expectation(_ node: DocumentNode) -> Situation.Expectation? {
        guard let text = text(node, "expect") else { return nil }
        var words = Words(text)
        guard let action = words.next().flatMap(Situation.Expectation.Action.init) else {
            report("expect must begin with an action", at: node)
            return nil
        }
        var expected = Situation.Expectation(action: action)
        while let word = words.next() {
            if let kind = DriverKind(rawValue: word) {
                expected.kind = kind
            } else if let kernelModuleType = KernelModuleType(rawValue: word) {
                expected.kernelModuleType = kernelModuleType
            } else if let version = Situation.Expectation.Version(word) {
                expected.version = version
            } else if word == "of", let owner = words.next().flatMap(DriverOwner.init) {
                expected.owner = owner
            } else if word == "over", let owner = words.next().flatMap(DriverOwner.init) {
                expected.takesOver = owner
            } else if word == "fabric-manager" {
                expected.needsFabricManager = true
            } else if let code = CheckRegistry.checks.map(\.code).first(where: { $0.rawValue == word }) {
                expected.codes.insert(code)
            } else {
                report("'\(word)' says nothing in expect", at: node)
            }
        }
        let told = [expected.kind != nil, expected.kernelModuleType != nil, expected.version != nil]
        if [.install, .adopt, .chooses].contains(action) ? told.contains(false) : Set(told).count > 1 {
            report("expect must tell the driver's kind, kernel module type and version", at: node)
        }
        if [.idle, .blocked].contains(action), expected.codes.isEmpty { report("expect must tell a code", at: node) }
        return expected
    }

    private mutating func policy(_ node: DocumentNode) -> Policy {
        var policy = Policy()
        let known = ["version", "branch", "channel", "kernelModuleType", "workstation", "takeover", "gpus"]
        guard let fields = fields(node, of: "config", known: known) else { return policy }
        policy.version = fields["version"].flatMap { value($0, "version", form: "a version", DriverVersion.init) }
        policy.branch = fields["branch"].flatMap { integer($0, "branch") }
        policy.channel = fields["channel"].flatMap { choice($0, "channel") }
        policy.kernelModuleType = fields["kernelModuleType"].flatMap { choice($0, "kernelModuleType") }
        policy.workstation = fields["workstation"].flatMap { boolean($0, "workstation") } ?? false
        policy.takeover = fields["takeover"].flatMap { boolean($0, "takeover") } ?? false
        guard let node = fields["gpus"] else { return policy }
        policy.hardware = pairs(node, of: "gpus").compactMap { key, node in
            let ids = key.split(separator: "/").map { PCIID(String($0)) }
            let treatment: HardwareOverride.Treatment? = choice(node, "treatment")
            guard let treatment, let id = ids.first.flatMap(\.self), !ids.contains(nil) else {
                report("'\(key)' is no GPU's ids", at: node)
                return nil
            }
            return HardwareOverride(id: id, subsystem: ids.dropFirst().first.flatMap(\.self), treatment: treatment)
        }
        return policy
    }

    /// The keys and values of a mapping whose keys can be anything.
    mutating func pairs(_ node: DocumentNode, of what: String) -> [(key: String, node: DocumentNode)] {
        guard case .mapping(let entries) = node.content else {
            report("\(what) must be a mapping", at: node)
            return []
        }
        return entries.compactMap { entry in text(entry.key, "a key of \(what)").map { ($0, entry.value) } }
    }
}

extension Situation.Expectation.Version {
    /// `595.71.05`, `595`, `595+`.
    init?(_ word: String) {
        if let branch = Int(word) {
            self = .branch(branch)
        } else if word.hasSuffix("+"), let branch = Int(word.dropLast()) {
            self = .branchOrNewer(branch)
        } else if DriverVersion(word) != nil {
            self = .exactly(word)
        } else {
            return nil
        }
    }
}

/// The words of a compact text, which are taken in order.
struct Words {
    private var rest: ArraySlice<String>

    init(_ text: String) {
        rest = text.split(separator: " ").map(String.init)[...]
    }

    mutating func next() -> String? { rest.popFirst() }

    var isEmpty: Bool { rest.isEmpty }

    /// Returns the remaining words as one text.
    mutating func all() -> String {
        defer { rest = [] }
        return rest.joined(separator: " ")
    }
}
