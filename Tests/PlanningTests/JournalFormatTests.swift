import FoundationEssentials
import NodeModel
import Support
import TestSupport
import Testing

/// Reads journals that other versions of the agent wrote.
@Suite struct JournalFormatTests {
    private func journal(_ name: String) throws -> Journal {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try JSONDecoder().decode(Journal.self, from: Data(contentsOf: tests.appending(path: name)))
    }

    /// The first format had numbers for times, the key `flavour` for the kernel module type, and no inverse of a step.
    @Test func readsTheFirstFormat() throws {
        let journal = try journal("Formats/v1-0.1/journal.json")
        let record = InstallRecord(
            state: .installed,
            kind: .grid,
            version: "595.91.07",
            kernelModuleType: .open,
            kernelRelease: "6.18.44-fc-v669",
            artifactHash: "faf23eff130d5d9ce943e2d0ca87b910ad2d35e2c480eeb6bcb13e165a61f105"
        )
        #expect(journal.record == record)
        #expect(journal.signOfNewerVersion == nil && journal.plan == nil)
        #expect(journal.steps.map(\.step) == [.begin, .download, .install, .load, .verify, .finish])
        #expect(journal.steps.allSatisfy { $0.state == .done && $0.inverse == nil && $0.job == nil })
        #expect(journal.steps.first?.startedAt.description == "2026-11-27T04:10:25.588Z")
        #expect(journal.steps[2].seconds == 2.625185251235962)
        // From now on the new form is written, and it reads back as the same journal.
        let text = String(decoding: try JSONEncoder().encode(journal), as: UTF8.self)
        #expect(text.contains("\"startedAt\":\"2026-11-27T04:10:25.588Z\"") && !text.contains("flavour"))
        #expect(try JSONDecoder().decode(Journal.self, from: Data(text.utf8)) == journal)
    }

    /// A journal of a version that could not uninstall has no uninstall.
    @Test func keepsAnUninstall() throws {
        var journal = try journal("Formats/v1-0.1/journal.json")
        #expect(journal.uninstall == nil)
        journal.uninstall = UninstallRecord(version: "595.91.07", startedAt: Timestamp(1))
        let unload = PlannedStep.named(StepID(rawValue: "unload"))
        journal.beginUndo(unload, of: .load, at: Timestamp(2))
        let data = try JSONEncoder().encode(journal)
        #expect(try JSONDecoder().decode(Journal.self, from: data) == journal)
        #expect(journal.signOfNewerVersion == nil)
        journal.uninstall?.step?.step = StepID(rawValue: "polish")
        #expect(journal.signOfNewerVersion == "it has a step 'polish'")
    }

    @Test func tellsStepsThatANewerVersionAdded() throws {
        let text = """
            {"apiVersion": "gpu-agent/v1", "kind": "Journal", "steps": [
              {"step": "polish", "state": "done", "startedAt": "2027-01-02T03:04:05Z", "shine": 7}]}
            """
        let journal = try JSONDecoder().decode(Journal.self, from: Data(text.utf8))
        #expect(journal.signOfNewerVersion == "it has a step 'polish'")
        #expect(journal.steps[0].startedAt.description == "2027-01-02T03:04:05.000Z")
    }

    @Test(arguments: ["\"yesterday\"", "\"2026-11-27\"", "\"2026-11-27T04:10:25.5x8Z\"", "\"\"", "null", "{}"])
    func refusesATimeThatIsNone(_ time: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Timestamp.self, from: Data(time.utf8)) }
    }

    @Test(arguments: [
        ("\"1970-01-01T00:00:00Z\"", "1970-01-01T00:00:00.000Z"),
        ("\"2026-02-28T23:59:59.9999Z\"", "2026-03-01T00:00:00.000Z"),
        ("\"2028-02-29T12:00:00.25Z\"", "2028-02-29T12:00:00.250Z"), ("1795752625.588031", "2026-11-27T04:10:25.588Z"),
        ("0", "1970-01-01T00:00:00.000Z"), ("-5", "1970-01-01T00:00:00.000Z"), ("1e300", "9999-12-31T23:59:59.000Z"),
    ])
    func readsTimes(_ written: String, _ expected: String) throws {
        #expect(try JSONDecoder().decode(Timestamp.self, from: Data(written.utf8)).description == expected)
    }
}
