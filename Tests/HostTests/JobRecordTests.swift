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
    }
}
