import FoundationEssentials
import Host
import Support
import TestSupport
import Testing

@Suite struct JobRecordTests {
    /// A job outlives its agent, so an agent of another version may find it.
    ///
    /// The first version had a whole number for the time.
    @Test func readsTheRecordOfTheFirstVersion() throws {
        let data = try Data(contentsOf: URL(filePath: fixture("../Formats/v1-0.1/job.json")))
        let record = try JSONDecoder().decode(JobRecord.self, from: data)
        #expect(record.arguments.count == 8 && record.arguments.last == "--tmpdir=/var/lib/gpu-agent/work")
        #expect(record.startedAt.description == "2026-11-27T04:10:27.000Z")
        #expect(record.deadlineSeconds == nil && record.limit(longest: .seconds(2700)) == .seconds(2700))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// What the record says.
        var deadline: Int?
        /// The seconds since the start.
        var age: Double
        var limit: Int
        var rest: Int

        init(_ name: String, _ deadline: Int?, age: Double, limit: Int, rest: Int) {
            testDescription = name
            (self.deadline, self.age, self.limit, self.rest) = (deadline, age, limit, rest)
        }
    }

    private static let cases = [
        Case("a build that is within its time", 1800, age: 600, limit: 1800, rest: 1200),
        Case("a build that passed its deadline", 1800, age: 1801, limit: 1800, rest: 0),
        Case("a job of an earlier version", nil, age: 1801, limit: 2700, rest: 899),
        Case("a job of an earlier version that passed every deadline", nil, age: 2701, limit: 2700, rest: 0),
        Case("a deadline that no step has", 100_000, age: 2701, limit: 2700, rest: 0),
        Case("a deadline that is none", -5, age: 0, limit: 0, rest: 0),
        Case("a clock that was set back", 1800, age: -100_000, limit: 1800, rest: 1800),
    ]

    @Test(arguments: cases)
    func theTimeOfAJob(_ row: Case) {
        let start = 1_796_000_000.0
        let record = JobRecord(arguments: ["sh"], startedAt: Timestamp(start), deadlineSeconds: row.deadline)
        #expect(record.limit(longest: .seconds(2700)) == .seconds(row.limit))
        let moment = JobRecord.Moment(time: Timestamp(start + row.age), uptime: 5000)
        #expect(record.rest(at: moment, longest: .seconds(2700)) == .seconds(row.rest))
    }

    /// A fresh node sets its clock while the first install runs.
    @Test(arguments: [-100_000, 0, 100_000]) func aClockThatIsSetDoesNotMatter(_ step: Double) {
        let record = JobRecord(
            arguments: ["sh"],
            startedAt: Timestamp(1_796_000_000),
            deadlineSeconds: 1800,
            startedAtUptime: 20
        )
        func rest(after age: Double) -> Duration {
            let moment = JobRecord.Moment(time: Timestamp(1_796_000_000 + step + age), uptime: 20 + age)
            return record.rest(at: moment, longest: .seconds(2700))
        }
        #expect(rest(after: 600) == .seconds(1200) && rest(after: 1801) == .zero)
    }

    @Test func theMomentIsThatOfTheHost() throws {
        let uptime = try #require(Double(String(contentsOfFile: "/proc/uptime", encoding: .utf8).prefix { $0 != " " }))
        let moment = JobRecord.Moment.now()
        #expect((0..<60).contains(moment.uptime - uptime))
        #expect(abs(moment.time.seconds - Date().timeIntervalSince1970) < 60)
    }
}
