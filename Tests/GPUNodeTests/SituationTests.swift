import GPUNode
import TestSupport
import Testing

/// Nodes as they are met in the field, from the tables in `Situations/`, against the repository's own catalog.
@Suite struct SituationTests {
    /// A row, or the mistakes that made reading the tables impossible.
    static let rows: Result<[Situation], any Error> = Result { try SituationReader.all() }
    static let catalog: Result<Catalog, any Error> = Result { try repositoryCatalog() }

    @Test(arguments: (try? rows.get()) ?? [])
    func decides(_ row: Situation) throws {
        let differences = row.differences(try Self.catalog.get())
        #expect(
            differences.isEmpty,
            "\(row.place): \(differences.joined(separator: "; "))\n\(row.printed(Self.catalog))"
        )
    }
}

extension Situation: CustomTestStringConvertible {
    var testDescription: String { name }

    /// The decision as a reader of a failed test needs it.
    func printed(_ catalog: Result<Catalog, any Error>) -> String {
        (try? catalog.get()).map { decide($0).everyWord } ?? ""
    }
}
