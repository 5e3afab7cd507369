import Catalog
import CoreSupport
import Documents
import FoundationEssentials
import NodeModel
import Support
import TestSupport
import Testing

/// Checks that the tests notice when the catalog lacks an entry or has another value in a field.
///
/// It runs the same tests on each mutant as on the catalog: the situations, the situations of the reference, and the
/// list of drivers. `scripts/mutate` prints which test notices which mutant.
@Suite struct CatalogMutationTests {
    /// The tests of a catalog.
    ///
    /// Those for the changed entry come first.
    private struct Judges {
        var reference: [String: [Situation]]
        var all: [Situation]

        init() throws {
            let keyed = try CatalogReference.all()
            reference = Dictionary(grouping: keyed, by: \.key).mapValues { $0.map(\.situation) }
            // A card's mutants can show in its types.
            for (key, rows) in reference where key.contains(":") {
                reference[String(key.prefix(4)), default: []] += rows
            }
            all = try SituationReader.all() + keyed.map(\.situation)
        }

        /// The first test that notices the change; nil when no test does.
        func judge(_ catalog: Catalog, _ key: String) -> String? {
            if let seen = (reference[key] ?? []).first(where: { !$0.differences(catalog).isEmpty }) {
                return "reference: \(seen.name)"
            }
            if let fault = CatalogDriverListTests.faults(catalog).first { return "list of drivers: \(fault)" }
            return all.first { !$0.differences(catalog).isEmpty }.map { "\($0.place.file): \($0.name)" }
        }
    }

    @Test func theReferenceHoldsForTheCatalog() throws {
        let catalog = try repositoryCatalog()
        for row in try CatalogReference.all() {
            let differences = row.situation.differences(catalog)
            if !differences.isEmpty {
                Issue.record("\(row.situation.place): \(row.situation.name): \(differences.joined(separator: "; "))")
            }
        }
    }

    @Test func theReferenceKnowsEveryEntryOfTheCatalog() throws {
        let catalog = try repositoryCatalog()
        let keys = Set(try CatalogReference.all().map(\.key))
        let entries =
            catalog.gpus.keys.map { hex($0.device, digits: 4) } + catalog.vgpuTypes.keys.map(\.description)
            + catalog.drivers.map(\.identity)
        #expect(keys == Set(entries))
        #expect(keys.count == entries.count)
    }

    @Test func everyMutantIsSeen() throws {
        let catalog = try repositoryCatalog()
        let judges = try Judges()
        let list = ProcessInfo.processInfo.environment["MUTANTS"] == "list"
        var survivors: [String] = []
        let mutants = CatalogMutant.all(of: catalog)
        // Read once more, so that a change copies no table.
        var mutated = try repositoryCatalog()
        for mutant in mutants {
            mutant.change(&mutated)
            let seen = judges.judge(mutated, mutant.key)
            mutant.restore(&mutated, catalog)
            if list { print("mutant: \(mutant.name): \(seen ?? "SURVIVES")") }
            if seen == nil { survivors.append(mutant.name) }
        }
        #expect(mutated == catalog)
        #expect(survivors.isEmpty, "\(survivors.count) of \(mutants.count):\n\(survivors.joined(separator: "\n"))")
        #expect(mutants.count > 8000)
    }
}
