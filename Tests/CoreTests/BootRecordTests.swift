import FoundationEssentials
import NodeModel
import Support
import TestSupport
import Testing

/// How long a node took to start, whatever happens to the agent and to the clock meanwhile.
@Suite struct BootRecordTests {
    /// When the kernel started.
    static let start = 1_795_000_000.0

    private func record(_ former: BootRecord? = nil, boot: String = "a", uptime: Double = 60) -> BootRecord {
        .continuing(former, boot: boot, at: Timestamp(Self.start + uptime), uptime: uptime)
    }

    private func sight(
        _ verdict: Verdict,
        journal: Journal? = nil,
        joined: Double? = nil,
        isOffering: Bool = false
    ) -> BootRecord.Sight {
        BootRecord.Sight(
            verdict: verdict,
            journal: journal,
            joined: joined.map { Timestamp(Self.start + $0) },
            isOffering: isOffering
        )
    }

    private func journal(
        _ steps: [(StepID, begin: Double, seconds: Double)],
        failed: StepID? = nil
    ) -> Journal {
        let failure = Finding(.installFailed, observed: "o", expected: "e")
        return steps.reduce(into: Journal()) { journal, step in
            let begin = Self.start + step.begin
            journal.begin(step.0, at: begin)
            journal.end(step.0, at: begin + step.seconds, failure: step.0 == failed ? failure : nil)
        }
    }

    private func phases(_ record: BootRecord) -> [BootRecord.Phase: Double] {
        BootRecord.Phase.allCases.reduce(into: [:]) { $0[$1] = record.coldStart[$1] }
    }

    @Test func hasEachPhaseOfAColdStart() {
        var record = record()
        record.reached(.agent, at: 41.5)
        record.note(sight(.installing, joined: 30), uptime: 60)
        let steps: [(StepID, Double, Double)] = [
            (.packageIndex, 61, 4), (.download, 65, 12.5), (.buildPackages, 78, 10), (.install, 88, 90),
            (.load, 178, 3), (.deviceNodes, 181, 0.5), (.verify, 182, 5),
        ]
        record.note(sight(.ready, journal: journal(steps), joined: 30), uptime: 188.25)
        record.note(sight(.ready, isOffering: true), uptime: 200)
        #expect(
            phases(record) == [
                .kubelet: 30, .agent: 41.5, .download: 77.5, .build: 178, .load: 181.5, .proof: 187, .ready: 188.25,
                .plugin: 200,
            ]
        )
        #expect(record.started == Timestamp(Self.start))
    }

    /// An agent that is started again, a later upgrade and a later failure leave the times as they are.
    @Test func isWrittenOncePerBoot() throws {
        var record = record()
        record.reached(.agent, at: 40)
        record.note(sight(.ready, joined: 30, isOffering: true), uptime: 60)
        let first = record
        let kept = try JSONDecoder().decode(BootRecord.self, from: try JSONEncoder().encode(record))
        record = self.record(kept, uptime: 9000)
        record.reached(.agent, at: 8990)
        record.note(sight(.notReady), uptime: 9000)
        let upgrade = journal([(.install, 9000, 50)])
        record.note(sight(.ready, journal: upgrade, joined: 8000, isOffering: true), uptime: 9100)
        #expect(record == first)
    }

    @Test func aNewBootBeginsAnew() {
        var record = record()
        record.reached(.agent, at: 40)
        record.attempts = 3
        record.failed(.installFailed)
        let next = self.record(record, boot: "b")
        #expect(phases(next).isEmpty && next.attempts == 0 && next.failures.isEmpty && next.failuresInARow == 0)
        #expect(self.record(record) == record)
    }

    @Test(arguments: [(3599.0, 3700.0 as Double?), (3601, nil)])
    func anAgentThatCameLateSaysNothingAboutTheStart(_ agent: Double, _ ready: Double?) {
        var record = record()
        record.reached(.agent, at: agent)
        record.note(sight(.ready, joined: 30), uptime: 3700)
        #expect(record.coldStart[.ready] == ready)
        #expect(phases(record).isEmpty == (ready == nil))
    }

    /// Until the GPUs work, a later attempt can replace the steps of the first one.
    @Test func onlyTheStepsOfTheInstallThatWorkedCount() {
        var record = record()
        record.reached(.agent, at: 40)
        let first = journal([(.download, 50, 5), (.install, 55, 5)], failed: .install)
        record.note(sight(.notReady, journal: first), uptime: 61)
        #expect(phases(record) == [.agent: 40])
        // The download was there. The load of this boot failed, and the driver worked nevertheless.
        let steps: [(StepID, Double, Double)] = [(.download, -500, 20), (.install, 90, 10), (.load, 100, 1)]
        record.note(sight(.degraded, journal: journal(steps, failed: .load)), uptime: 120)
        #expect(phases(record) == [.agent: 40, .build: 100, .ready: 120])
    }

    /// The Node keeps the devices of the boot before until the kubelet has started.
    @Test(arguments: [Verdict.installing, .waiting, .notReady, .unknown, .leftAlone, .noGPU])
    func theDevicesOfANodeThatDoesNotWorkDoNotCount(_ verdict: Verdict) {
        var record = record()
        record.reached(.agent, at: 40)
        record.note(sight(verdict, isOffering: true), uptime: 60)
        #expect(phases(record) == [.agent: 40])
    }

    @Test(arguments: [-1.0, -.infinity, .infinity, .nan])
    func aTimeThatCannotBeIsLeftOut(_ seconds: Double) {
        var record = record()
        record.reached(.agent, at: seconds)
        #expect(phases(record).isEmpty)
    }

    /// Most virtual machines set the clock some time after the boot.
    @Test(arguments: [(4.0, 0.0), (-4, 0), (3600, 3600), (-3600, -3600)])
    func theStartFollowsAClockThatWasSet(_ moved: Double, _ expected: Double) {
        var record = record()
        record.reached(.agent, at: 40)
        let later = BootRecord.continuing(record, boot: "a", at: Timestamp(Self.start + 100 + moved), uptime: 100)
        #expect(later.started == Timestamp(Self.start + expected))
        #expect(later.coldStart[.agent] == 40)
    }

    @Test func countsTheInstalls() {
        var record = record()
        record.failed(.downloadFailed)
        record.failed(.installFailed)
        record.failed(.downloadFailed)
        #expect(record.failures == ["download-failed": 2, "install-failed": 1] && record.failuresInARow == 3)
        record.succeeded()
        #expect(record.failures == ["download-failed": 2, "install-failed": 1] && record.failuresInARow == 0)
    }

    /// A person can have installed the driver, or have given the node to another owner.
    @Test(arguments: Verdict.allCases)
    func aNodeThatNeedsNoInstallHasNoFailuresToRepeat(_ verdict: Verdict) {
        var record = record()
        record.failed(.installFailed)
        record.note(sight(verdict), uptime: 100)
        #expect((record.failuresInARow == 0) == [.ready, .leftAlone, .noGPU].contains(verdict))
        #expect(record.failures == ["install-failed": 1])
    }

    /// A week after the boot, the kubelet was away for a moment, or a step has a time that is still to come.
    @Test func whatCameLaterIsNoPhaseOfTheStart() {
        var record = record()
        record.note(sight(.installing, joined: 604_800), uptime: 604_900)
        record.note(sight(.installing, joined: 70), uptime: 60)
        record.note(sight(.ready, journal: journal([(.load, 500, 1)])), uptime: 100)
        #expect(record[.kubelet] == nil && record[.load] == nil && record[.ready] == 100)
        record.note(sight(.ready, joined: 70), uptime: 200)
        #expect(record[.kubelet] == 70)
    }

    @Test func countsOnlySoManyCodes() throws {
        var record = record()
        for number in 0..<200 { record.failed(try #require(ReasonCode(rawValue: "code-\(number)"))) }
        record.failed(try #require(ReasonCode(rawValue: "code-0")))
        #expect(record.failures.count == 64 && record.failures["code-0"] == 2 && record.failuresInARow == 201)
    }
}
