import Catalog
import Documents
import Testing

/// Texts near the size limit, made of parts for which a reader could take quadratic time.
///
/// The inputs of the fuzzer are too short to show this.
@Suite struct LargeDocumentTests {
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var head = "apiVersion: gpu-agent/v1\nkind: DriverCatalog\n"
        /// The part with this number; parts are added until the size limit is reached.
        var item: @Sendable (Int) -> String
        var tail = ""

        var text: [UInt8] {
            var text = Array(head.utf8)
            for number in 0... {
                let next = item(number).utf8
                guard text.count + next.count + tail.utf8.count <= YAMLDocument.sizeLimit else { break }
                text += next
            }
            return text + tail.utf8
        }
    }

    static let cases = [
        Case(testDescription: "unknown keys", item: { "kinds\($0): 1\n" }),
        Case(testDescription: "one unknown key", head: "? ", item: { _ in "kind" }, tail: "\n: 1\n"),
        Case(testDescription: "the same key", item: { _ in "gpus: []\n" }),
        Case(
            testDescription: "platforms",
            head: "apiVersion: gpu-agent/v1\nkind: DriverCatalog\nplatforms:\n",
            item: { "- {name: \($0), systemVendor: \($0)}\n" }
        ),
        Case(testDescription: "open brackets", head: "", item: { _ in "[" }),
        Case(testDescription: "pairs", head: "[", item: { _ in "{a: b}," }, tail: "]"),
        Case(testDescription: "empty drivers", item: { $0 == 0 ? "drivers:\n" : "- {}\n" }),
        Case(testDescription: "drivers that are scalars", item: { $0 == 0 ? "drivers: [" : "a," }, tail: "]"),
        Case(testDescription: "line breaks", head: "", item: { _ in "\n" }),
    ]

    /// Each case takes a few seconds at most.
    ///
    /// Quadratic time would be minutes.
    @Test(.timeLimit(.minutes(1)), arguments: cases)
    func areReadInTime(_ row: Case) throws {
        let text = row.text
        #expect(text.count > YAMLDocument.sizeLimit - 100)
        let time = ContinuousClock().measure {
            guard let document = try? YAMLDocument.parse(text, file: "f") else { return }
            guard case .success(let read) = CatalogDocument.read(document) else { return }
            _ = CatalogReview([read])
        }
        #expect(time < .seconds(20))
    }
}
