import Catalog
import Documents
import NodeModel
import Selection

/// One row of the tables in `Situations/`: a node, and the expected decision for it.
struct Situation: Sendable {
    /// The place of the row.
    var place: DocumentPlace
    var name: String
    var facts: NodeFacts
    var policy: Policy
    /// The drivers that replace those of the catalog, for a row that tests only a rule.
    var drivers: [CatalogDriver]?
    var expected: Expectation
    /// The injected faults that the row tests, by their numbers in the list.
    var faults: [Int]

    func decide(_ catalog: Catalog) -> Decision {
        var catalog = catalog
        if let drivers { catalog = Catalog(copying: catalog, drivers: drivers) }
        return Selection(catalog: catalog, policy: policy).decide(facts)
    }

    /// The differences between the decision and the row; empty when there are none.
    func differences(_ catalog: Catalog) -> [String] { expected.differences(decide(catalog)) }
}

extension Situation {
    /// The expected properties of a decision, as far as a row gives them.
    struct Expectation: Sendable {
        enum Action: String, CaseIterable {
            case install, adopt, idle, blocked
            /// Install, or `artifact-without-hash` for the same driver, for rows that do not test checksums.
            case chooses
        }

        enum Version: Sendable, Equatable {
            case exactly(String)
            case branch(Int)
            case branchOrNewer(Int)
        }

        var action: Action
        var kind: DriverKind?
        var kernelModuleType: KernelModuleType?
        var version: Version?
        /// The codes of all problems, or the reason of an idle decision.
        var codes: Set<ReasonCode> = []
        var owner: DriverOwner?
        var takesOver: DriverOwner?
        /// Whether the node needs a fabric manager.
        var needsFabricManager = false
        /// The name of the platform in the decision; nil when the platform must be unknown.
        var platform: String?
        /// The texts that the decision must contain.
        var says: [String] = []
        /// The texts that the decision must not contain.
        var silent: [String] = []
    }
}

extension Situation.Expectation {
    /// The differences between a decision and the expectation.
    func differences(_ decision: Decision) -> [String] {
        var differences: [String] = []
        func expect<Value: Equatable>(_ what: String, _ found: Value?, _ expected: Value?) {
            guard found != expected else { return }
            let words = { (value: Value?) in value.map { "\($0)" } ?? "none" }
            differences.append("\(what): expected \(words(expected)), decided \(words(found))")
        }
        let codes = Set(decision.problems.map(\.code) + [decision.reason].compactMap(\.self))
        switch action {
        case .install, .adopt, .idle, .blocked:
            expect("action", decision.action, Decision.Action(rawValue: action.rawValue))
            expect("codes", codes.map(\.rawValue).sorted(), self.codes.map(\.rawValue).sorted())
        case .chooses where decision.action == .blocked: expect("codes", codes, [.artifactWithoutHash])
        case .chooses: expect("action", decision.action, .install)
        }
        expect("kind", decision.driver?.kind, kind)
        expect("kernelModuleType", decision.driver?.kernelModuleType, kernelModuleType)
        if decision.driver.map({ isWanted($0.version) }) != version.map({ _ in true }) {
            let found = decision.driver.map { "\($0.version)" } ?? "none"
            differences.append("version: expected \(version.map { "\($0)" } ?? "none"), decided \(found)")
        }
        expect("owner", decision.owner, owner)
        expect("takes over", decision.takesOver, takesOver)
        if let need = decision.fabricManager { expect("fabric manager", need.isNeeded, needsFabricManager) }
        expect("platform", decision.platform, platform)
        let text = decision.everyWord
        for word in says where !text.contains(word) { differences.append("does not say '\(word)'") }
        for word in silent where text.contains(word) { differences.append("says '\(word)'") }
        return differences + wrongs(decision)
    }

    private func isWanted(_ found: DriverVersion) -> Bool {
        switch version {
        case nil: false
        case .exactly(let text): found.description == text
        case .branch(let branch): found.branch == branch
        case .branchOrNewer(let branch): found.branch >= branch
        }
    }

    /// The broken rules that apply to every decision.
    private func wrongs(_ decision: Decision) -> [String] {
        var wrongs: [String] = []
        if decision.problems.isEmpty == (decision.action == .blocked) {
            wrongs.append("blocked without a problem, or not")
        }
        if (decision.reason != nil) != (decision.action == .idle) { wrongs.append("idle without a reason, or not") }
        if (decision.driver?.artifact != nil) != (decision.action == .install) {
            wrongs.append("artifact: \(decision)")
        }
        if decision.action == .install, decision.driver?.artifact?.digest == nil { wrongs.append("no checksum") }
        let parts = decision.problems.flatMap { [$0.observed, $0.expected, $0.remedy.text] } + [decision.summary]
        if parts.contains("") { wrongs.append("an empty text") }
        return wrongs
    }
}

extension Decision {
    /// All texts of the decision, one line for each part.
    var everyWord: String {
        var lines = [summary]
        for problem in problems {
            lines += ["\(problem.code.rawValue): \(problem.observed)", problem.expected, problem.remedy.text]
        }
        for piece in evidence { lines.append("\(piece.basis.rawValue): \(piece.source): \(piece.statement)") }
        for driver in rejected { lines.append("\(driver.driver): \(driver.reason)") }
        for guest in guest {
            let unreadable = guest.unreadable.map(\.rawValue).joined(separator: " ")
            lines.append(
                "guest: \(guest.type), \(guest.mode.rawValue), \(guest.migDevicesPerGPU) MIG devices of "
                    + "\(guest.migProfile ?? "no profile"), "
                    + "license \(guest.license), unreadable \(unreadable)"
            )
        }
        if let artifact = driver?.artifact { lines.append("file: \(artifact.fileName)") }
        if let fabricManager { lines.append("fabric manager: \(fabricManager.why)") }
        return lines.joined(separator: "\n")
    }
}

extension Catalog {
    /// A copy of another catalog with other drivers, which need not be sorted.
    init(copying other: Catalog, drivers: [CatalogDriver]) {
        self = other
        self.drivers = Catalog(drivers: drivers).drivers
    }
}
