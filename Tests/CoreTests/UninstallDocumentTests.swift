import CoreSupport
import NodeModel
import Planning
import Reporting
import Support
import TestSupport
import Testing

/// What `gpu-agent uninstall` prints.
@Suite struct UninstallDocumentTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The facts of the host before the install.
        var before = NodeFacts.rtxProVGPU
        var journal: @Sendable (Journal) -> Reading<Journal> = { .present($0) }
        var facts = installed
        var done = false
    }

    private static let installed = NodeFacts.rtxProReady.with {
        $0.driver.loadedModules = .present(["nvidia", "nvidia_modeset", "nvidia_uvm"])
        $0.driver.deviceNodes = .present(["nvidia0", "nvidiactl", "nvidia-uvm"])
        $0.claims.deviceUsers = .present([])
    }

    static let cases = [
        Case(testDescription: "plan"), Case(testDescription: "done", done: true),
        Case(
            testDescription: "upgraded",
            before: .rtxProVGPU.with {
                $0.driver = .loaded("580.105.08", .open, kind: .grid, record: .installed)
                $0.claims.deviceUsers = .present([])
            },
            done: true
        ),
        Case(
            testDescription: "in-use",
            facts: installed.with {
                $0.claims.deviceUsers = .present([DeviceUser(pid: 4711, command: "python3", nodes: ["nvidia0"])])
            }
        ),
        Case(testDescription: "newer", journal: { _ in .unreadable(ReadFailure(.newer, "it has a step 'polish'")) }),
        Case(
            testDescription: "foreign",
            journal: { _ in .absent },
            facts: installed.with {
                $0.driver.record = .absent
                $0.claims.runfile = .present("595.91.07")
            }
        ),
        Case(testDescription: "nothing", journal: { _ in .absent }, facts: .rtxProVGPU),
        Case(
            testDescription: "twice",
            journal: { journal in
                var journal = journal
                journal.uninstall = UninstallRecord(version: "595.91.07", startedAt: Timestamp(1_800_000_000))
                journal.endUninstall(at: Timestamp(1_800_000_002))
                return .present(journal)
            },
            facts: .rtxProVGPU
        ),
    ]

    /// The journal of a whole install.
    private func journal(_ facts: NodeFacts) throws -> Journal {
        var journal = Journal()
        var policy = Policy()
        policy.version = DriverVersion("595.91.07")
        for step in try Plan.made(for: facts, policy: policy).steps {
            journal.begin(step, at: Timestamp(1_800_000_000))
            for case .record(let record) in step.effects { journal.record = record }
            journal.end(step.id, at: Timestamp(1_800_000_001))
        }
        return journal
    }

    @Test(arguments: cases)
    func says(_ row: Case) throws {
        let journal = try journal(row.before)
        #expect(journal.record?.state == .installed)
        let plan = Uninstall(journal: row.journal(journal), facts: row.facts)
        let text = UninstallDocument(plan, done: row.done).text(Style(color: false))
        try expectGolden(text, "Goldens/uninstall-\(row.testDescription).txt")
    }
}
