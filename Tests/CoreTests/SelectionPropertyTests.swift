import Catalog
import CoreSupport
import NodeModel
import Selection
import TestSupport
import Testing

/// The properties of every decision on 100 000 random nodes, from all IDs and drivers of the catalog.
///
/// The checks are plain conditions, because an expectation for each would take longer than the decision.
@Suite struct SelectionPropertyTests {
    private struct Case {
        var facts: NodeFacts
        var policy: Policy
    }

    private static func cases(_ count: Int, seed: UInt64, of catalog: Catalog, _ body: (Int, Case) -> Void) {
        var source = RandomFacts(seed: seed, pool: .all(of: catalog))
        for number in 0..<count {
            let facts = source.facts()
            body(number, Case(facts: facts, policy: source.policy(for: facts)))
        }
    }

    @Test func everyDecisionIsSafe() throws {
        let catalog = try repositoryCatalog()
        var unverified = try CatalogDriver.datacenter("620.10.01")
        unverified.artifact.digest = nil
        // Most nodes are decided with a part of the drivers: to give a reason for each takes most of the time.
        let parts = (0..<4).map { part in
            let drivers = catalog.drivers.enumerated().filter { $0.offset % 4 == part }.map(\.element)
            return Catalog(copying: catalog, drivers: drivers)
        }
        let catalogs = [catalog, catalog.merged(with: Catalog(drivers: [unverified]))] + parts + parts
        let rules = catalogs.map(SelectionRules.init)
        var seen: [String: Int] = [:]
        var broken: [String: Int] = [:]
        var examples: [String] = []
        Self.cases(100_000, seed: 2026, of: catalog) { number, node in
            let which = number % catalogs.count
            let decision = Selection(catalog: catalogs[which], policy: node.policy).decide(node.facts)
            seen[decision.action.rawValue, default: 0] += 1
            if decision.action == .install { seen["install \(decision.driver?.kind.rawValue ?? "")", default: 0] += 1 }
            if decision.takesOver != nil { seen["takeover", default: 0] += 1 }
            for problem in decision.problems { seen[problem.code.rawValue, default: 0] += 1 }
            if let reason = decision.reason { seen[reason.rawValue, default: 0] += 1 }
            guard let rule = rules[which].broken(by: decision, node.facts, node.policy) else { return }
            if broken.updateValue(broken[rule, default: 0] + 1, forKey: rule) == nil {
                examples.append("case \(number): \(rule)\n\(decision.everyWord.prefix(2000))\n\(node.policy)")
            }
        }
        #expect(broken.isEmpty, "\(examples.prefix(5).joined(separator: "\n\n"))")
        // A rule that nothing comes near proves little.
        let kinds = [
            "install", "adopt", "idle", "blocked", "install grid", "install datacenter", "takeover", "unknown-gpu",
            "unknown-vgpu-type", "pci-unreadable", "evidence-conflict", "mixed-gpus", "no-driver-fits",
            "artifact-without-hash", "foreign-driver", "driver-in-use", "driver-version-split", "driver-unreadable",
            "host-unreadable", "no-gpu", "vgpu-host", "driver-owned-elsewhere",
        ]
        for kind in kinds where seen[kind, default: 0] < 100 { Issue.record("\(kind): \(seen[kind, default: 0])") }
    }

    @Test func theOrderOfFunctionsAndOfTheCatalogChangesNothing() throws {
        let catalog = try repositoryCatalog()
        var drivers = catalog.drivers
        for version in ["595.071.05", "595.71.5", "580.159.4"] { drivers.append(try .datacenter(version)) }
        var random = SeededGenerator(seed: 7)
        let catalogs = (0..<8).map { _ in
            Catalog(
                gpus: catalog.gpus.values.shuffled(using: &random),
                vgpuTypes: catalog.vgpuTypes.values.shuffled(using: &random),
                platforms: catalog.platforms.shuffled(using: &random),
                drivers: drivers.shuffled(using: &random)
            )
        }
        for other in catalogs where other.drivers != catalogs[0].drivers { Issue.record("the order of the drivers") }
        var wrong = 0
        Self.cases(5000, seed: 11, of: catalog) { number, node in
            let first = Selection(catalog: catalogs[0], policy: node.policy).decide(node.facts)
            let shuffled = node.facts.with { $0.pci = $0.pci.map { $0.shuffled(using: &random) } }
            let other = Selection(catalog: catalogs[number % 8], policy: node.policy).decide(shuffled)
            // NVML's answers are told by address, so that a shuffled bus is the same node.
            if other != first { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test func aCatalogMergedWithItselfIsTheSame() throws {
        let catalog = try repositoryCatalog()
        let merged = catalog.merged(with: catalog)
        #expect(merged == catalog)
        #expect(merged.merged(with: catalog) == catalog)
        #expect(Catalog().merged(with: catalog) == catalog && catalog.merged(with: Catalog()) == catalog)
        var wrong = 0
        Self.cases(1000, seed: 13, of: catalog) { _, node in
            let decisions = [catalog, merged].map { Selection(catalog: $0, policy: node.policy).decide(node.facts) }
            if decisions[0] != decisions[1] { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    /// The same node gets the same decision again.
    ///
    /// After the install, the decision is to keep the driver.
    @Test func whatWasInstalledIsKept() throws {
        let catalog = try repositoryCatalog()
        var installs = 0
        var wrong: [String] = []
        Self.cases(10_000, seed: 17, of: catalog) { number, node in
            let selection = Selection(catalog: catalog, policy: node.policy)
            let decision = selection.decide(node.facts)
            guard decision.action == .install, let driver = decision.driver else { return }
            installs += 1
            let after = node.facts.with { facts in
                let version = driver.version.description
                facts.driver = .loaded(version, driver.kernelModuleType, kind: driver.kind, record: .installed)
                facts.claims = .none
            }
            let next = selection.decide(after)
            if next.action != .adopt || next.owner != .gpuAgent || next.driver?.version != driver.version {
                wrong.append("case \(number): \(decision.summary), then \(next.summary)")
            }
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(5).joined(separator: "\n"))")
        #expect(installs > 500)
    }
}
