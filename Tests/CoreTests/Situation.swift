import Catalog
import Documents
import NodeModel
import Selection

/// One row of the tables in `Situations/`: a node as it is met in the field, and what is to be decided for it.
struct Situation: Sendable {
    /// Where the row stands.
    var place: DocumentPlace
    var name: String
    var facts: NodeFacts
    var policy: Policy
    /// Drivers in the place of the catalog's, where a row is about a rule and not about what is on offer.
    var drivers: [CatalogDriver]?
    var expected: Expectation
    /// The faults of the list of injected faults that the row is about.
    var faults: [Int]

    func decide(_ catalog: Catalog) -> Decision {
        var catalog = catalog
        if let drivers { catalog = Catalog(copying: catalog, drivers: drivers) }
        return Selection(catalog: catalog, policy: policy).decide(facts)
    }

    /// What is decided otherwise than the row says; empty when all is as it says.
    func differences(_ catalog: Catalog) -> [String] { expected.differences(decide(catalog)) }
}

extension Situation {
    /// What a decision must be, as far as a row says.
    struct Expectation: Sendable {
        enum Action: String, CaseIterable {
            case install, adopt, idle, blocked
            /// Installed, or known and not verified: for rows that are not about checksums.
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
        /// The codes of all problems, or the reason of an idle node.
        var codes: Set<ReasonCode> = []
        var owner: DriverOwner?
        var takesOver: DriverOwner?
        /// Whether a fabric manager must run beside the driver.
        var needsFabricManager = false
        /// The platform's name in the decision; nil where none is to be told.
        var platform: String?
        /// Texts that a reader of the decision must find in it.
        var says: [String] = []
        /// Texts that must not be in it.
        var silent: [String] = []
    }
}

extension Situation.Expectation {
    /// In which ways a decision is not what is expected.
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

    /// What is wrong with any decision.
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
    /// All that a reader can find in it, one line for each part.
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
    /// Another catalog with drivers of its own; `drivers` need not be sorted.
    init(copying other: Catalog, drivers: [CatalogDriver]) {
        self = other
        self.drivers = Catalog(drivers: drivers).drivers
    }
}
