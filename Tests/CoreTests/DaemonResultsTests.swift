import FoundationEssentials
import NodeModel
import Support
import TestSupport
import Testing

/// When `status` shows the results of the daemon.
@Suite struct DaemonResultsTests {
    private static let boot = Reading<String>.present("8a1c6a5e-0000-4000-8000-000000000001")
    private static let journal = Checksum(.sha256, "aa")

    private static func results(journal: Checksum? = journal) -> DaemonResults {
        DaemonResults(
            at: Timestamp(1000),
            until: Timestamp(1420),
            journal: journal,
            facts: NodeFacts.h100Ready.with { $0.host.bootID = boot }
        )
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var isCurrent: Bool
        var now = 1010.0
        var boot = DaemonResultsTests.boot
        var driver = Reading<String>.present("595.71.05")
        var journal = Reading<Checksum>.present(DaemonResultsTests.journal)

        init(_ name: String, _ isCurrent: Bool, _ change: (inout Case) -> Void = { _ in }) {
            testDescription = name
            self.isCurrent = isCurrent
            change(&self)
        }

        static let all = [
            Case("as the daemon left it", true), Case("at once", true) { $0.now = 1000 },
            Case("before the limit", true) { $0.now = 1419 }, Case("at the limit", false) { $0.now = 1420 },
            Case("the clock was set back", false) { $0.now = 900 },
            Case("another boot", false) { $0.boot = .present("another") },
            Case("the boot is not known", false) { $0.boot = .unreadable(ReadFailure(.io, "x")) },
            Case("the driver was unloaded", false) { $0.driver = .absent },
            Case("another driver was loaded", false) { $0.driver = .present("595.99.02") },
            Case("the driver is not known", false) { $0.driver = .unreadable(ReadFailure(.io, "x")) },
            Case("an install changed the journal", false) { $0.journal = .present(Checksum(.sha256, "bb")) },
            Case("an uninstall removed the journal", false) { $0.journal = .absent },
            Case("a user cannot read the journal", true) { $0.journal = .unreadable(ReadFailure(.permission, "x")) },
        ]
    }

    @Test(arguments: Case.all)
    func areCurrent(_ test: Case) {
        let current = Self.results().isCurrent(
            at: Timestamp(test.now),
            boot: test.boot,
            driver: test.driver,
            journal: test.journal
        )
        #expect(current == test.isCurrent)
    }

    @Test func ofANodeWithoutAJournalAreCurrentUntilThereIsOne() {
        for (journal, expected) in [(Reading<Checksum>.absent, true), (.present(Self.journal), false)] {
            let current = Self.results(journal: nil).isCurrent(
                at: Timestamp(1010),
                boot: Self.boot,
                driver: .present("595.71.05"),
                journal: journal
            )
            #expect(current == expected)
        }
    }

    /// Every user can read the results, and the kernel log can be for root only.
    @Test func doNotHaveTheKernelLog() throws {
        let facts = NodeFacts.h100Ready.with { $0.kernelLog = .present(["NVRM: Xid 79"]) }
        let results = DaemonResults(at: Timestamp(1), until: Timestamp(2), journal: nil, facts: facts)
        let text = String(decoding: try JSONEncoder().encode(results), as: UTF8.self)
        #expect(text.contains("GPU-") && !text.contains("Xid 79"))
        #expect(try JSONDecoder().decode(DaemonResults.self, from: Data(text.utf8)) == results)
    }
}
