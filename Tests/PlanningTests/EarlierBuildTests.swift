import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// When the agent repeats a build for the kernel of the next boot that failed.
@Suite struct EarlierBuildTests {
    private static let release = "6.8.0-1099-azure"

    /// A node that waits for the build, and whose headers and compilers have this fingerprint.
    private static func node(_ basis: String?, _ release: String = release) -> NodeFacts {
        NodeFacts.rtxProVGPU.with {
            $0.driver = .loaded(Installs.version, .open, kind: .grid, record: .installed)
            $0.driver.record = $0.driver.record.map { record in
                var record = record
                record.version = Installs.version
                return record
            }
            $0.host.pendingKernel = .present(
                PendingKernel(release: release, hasModule: false, hasHeaders: true, buildBasis: basis)
            )
            $0.build.dkms = .absent
            $0.build.compiler = .present("/usr/bin/cc")
            $0.build.make = .present("/usr/bin/make")
        }
    }

    private static let adopted = Decision(
        action: .adopt,
        driver: DriverVersion(Installs.version).map {
            DriverTarget(kind: .grid, version: $0, kernelModuleType: .open)
        },
        summary: "adopt"
    )

    private static func plan(_ facts: NodeFacts, _ journal: Journal?) -> Plan {
        Planner().plan(facts, adopted, journal: journal)
    }

    private static let failure = Finding(
        .buildAheadFailed,
        observed: "cc: error.",
        expected: "",
        remedy: .none
    )

    /// A journal after builds that failed, one with each of these fingerprints.
    private static func journal(_ bases: [String?]) throws -> Journal {
        var journal = Journal(record: node(nil).driver.record.value)
        let build = try #require(plan(node("any"), nil).steps.first { $0.id == .buildAhead })
        for basis in bases {
            journal.begin(build, at: Timestamp(1))
            journal.setBasis(basis, of: .buildAhead)
            journal.end(.buildAhead, at: Timestamp(2), failure: failure)
        }
        return journal
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The fingerprint at each build that failed.
        var failed: [String?]
        var now: String?
        var builds: Bool
        /// What the notice says after the cause.
        var next = ""
    }

    private static let waits = " The agent tries again when the headers of this kernel or the compiler change."
    private static let stops = " The agent has tried it 5 times, and builds again after the boot."

    static let rows = [
        Row(testDescription: "nothing failed", failed: [], now: "a", builds: true),
        Row(testDescription: "the same headers and compiler", failed: ["a"], now: "a", builds: false, next: waits),
        Row(testDescription: "other headers or another compiler", failed: ["a"], now: "b", builds: true),
        Row(testDescription: "they failed, too", failed: ["a", "b"], now: "b", builds: false, next: waits),
        Row(testDescription: "the headers before them came back", failed: ["a", "b"], now: "a", builds: true),
        Row(testDescription: "an earlier version did not record them", failed: [nil], now: "a", builds: true),
        Row(testDescription: "they are not known now", failed: ["a"], now: nil, builds: false),
        Row(testDescription: "neither is known", failed: [nil], now: nil, builds: false),
        Row(testDescription: "four changes", failed: ["a", "b", "c", "d"], now: "e", builds: true),
        Row(
            testDescription: "headers that change all the time",
            failed: ["a", "b", "c", "d", "e"],
            now: "f",
            builds: false,
            next: stops
        ),
    ]

    @Test(arguments: rows)
    func isRepeatedAfterAChange(_ row: Row) throws {
        let journal = try Self.journal(row.failed)
        let plan = Self.plan(Self.node(row.now), row.failed.isEmpty ? nil : journal)
        #expect(plan.steps.contains { $0.id == .buildAhead } == row.builds)
        #expect(plan.aheadProblem == (row.builds ? nil : "cc: error.\(row.next)"))
    }

    @Test func theFailuresAreThoseOfOneKernel() throws {
        var journal = try Self.journal(["a", "b", "c", "d", "e"])
        let other = Self.node("f", "6.8.0-1100-azure")
        let build = try #require(Self.plan(other, journal).steps.first { $0.id == .buildAhead })
        journal.begin(build, at: Timestamp(3))
        #expect(journal.steps.last?.failures == nil && journal.steps.last?.basis == nil)
        // An agent that was killed during the build repeats it, and that is no failure.
        journal.end(.buildAhead, at: Timestamp(4), failure: Self.failure)
        for _ in 1...3 { journal.begin(build, at: Timestamp(5)) }
        #expect(journal.steps.last?.failures == 1)
    }

    /// The journal is a file on the host.
    @Test(arguments: [Int.max, Int.min])
    func aCountWithoutBoundDoesNoHarm(_ count: Int) throws {
        var journal = try Self.journal(["a"])
        let index = try #require(journal.steps.indices.last)
        journal.steps[index].failures = count
        let plan = Self.plan(Self.node("b"), journal)
        #expect(plan.steps.contains { $0.id == .buildAhead } == (count < 0))
        let build = try #require(Self.plan(Self.node("b"), nil).steps.first { $0.id == .buildAhead })
        journal.begin(build, at: Timestamp(3))
        #expect(journal.steps.last?.failures.map { $0 <= 100 } == true)
    }

    /// The executor records the files before the job starts.
    @Test func theJobNamesTheHeadersAndTheCompilers() throws {
        let build = try #require(Self.plan(Self.node("a"), nil).steps.first { $0.id == .buildAhead })
        let jobs = build.effects.compactMap { effect in if case .job(let job) = effect { job } else { nil } }
        let basis = try #require(jobs.first?.basis)
        #expect(basis.contains("/lib/modules/\(Self.release)/build/include/generated/utsrelease.h"))
        #expect(basis.contains("/usr/bin/cc") && basis.count <= 64)
    }
}
