import FoundationEssentials
import Host
import NodeModel
import Reporting
import Selection
import Support
import TestSupport
import Testing

@testable import Agent

/// The files that `validate` writes and that `wait` reads.
@Suite struct ReportFileTests {
    @Test func replacesAFileInOneStep() throws {
        let tree = try TemporaryDirectory()
        try tree.write("report.xml", "old and longer")
        let file = try ReportFile(tree.path("report.xml"))
        try file.write("new\n")
        #expect(try String(contentsOfFile: tree.path("report.xml"), encoding: .utf8) == "new\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: tree.path) == ["report.xml"])
    }

    /// A rename would put a file in the place of a device, a directory or a link.
    @Test func refusesWhatIsNotAFile() throws {
        let tree = try TemporaryDirectory()
        try tree.makeDirectory("directory")
        try tree.link("link", to: "/dev/null")
        for name in ["directory", "directory/", "link", "missing/report", "..", "."] {
            #expect(throws: SetupError.self, "\(name)") { try ReportFile("\(tree.path)/\(name)") }
        }
        #expect(throws: SetupError.self) { try ReportFile("/dev/stdout") }
        #expect(throws: SetupError.self) { try ReportFile("") }
    }

    @Test func saysWhyAReportCannotBeWritten() throws {
        let error = #expect(throws: SetupError.self) { try ReportFile("/missing/report") }
        #expect(error.map { errorChain($0) }?.hasPrefix("cannot write the report to /missing/report: ") == true)
    }

    /// An init container has only this directory.
    @Test func readsTheValidationFilesAlone() async throws {
        let tree = try TemporaryDirectory()
        try tree.write("run/nvidia/validations/driver-ready", "IS_HOST_DRIVER=true\n")
        try tree.write("run/nvidia/validations/cuda-ready", "")
        try tree.makeDirectory("run/nvidia/validations/plugin-ready")
        try tree.write("run/nvidia/validations/.driver-ctr-ready", "")
        let prober = try Prober(Settings(hostRoot: tree.path, hostPID: nil))
        let evidence = await prober.waitEvidence(.none)
        #expect(evidence.files == [.driverReady, .cudaReady])
        #expect(evidence.results == nil && evidence.published == nil && evidence.loadedVersion.isAbsent)
        #expect(evidence.answer(for: .cuda) == .reached("the file cuda-ready is in /run/nvidia/validations"))
        if case .waiting = evidence.answer(for: .plugin) {} else { Issue.record("a directory is not a file") }
    }

    @Test func readsTheResultsOfTheDaemonAlone() async throws {
        let tree = try TemporaryDirectory()
        let boot = "8a1c6a5e-0000-4000-8000-000000000001"
        try tree.write("proc/sys/kernel/random/boot_id", "\(boot)\n")
        try tree.write("sys/module/nvidia/version", "595.71.05\n")
        let facts = NodeFacts.h100Ready.with { $0.host.bootID = .present(boot) }
        let (begin, end) = (Timestamp(now() - 10), Timestamp(now() + 600))
        let root = try HostRoot(tree.path)
        try await ResultsFile(root: root).save(DaemonResults(at: begin, until: end, journal: nil, facts: facts))
        let prober = try Prober(Settings(hostRoot: tree.path, hostPID: nil))
        let evidence = await prober.waitEvidence(.none)
        if case .reached = evidence.answer(for: .cuda) {} else { Issue.record("\(evidence.answer(for: .cuda))") }
        try tree.write("proc/sys/kernel/random/boot_id", "8a1c6a5e-0000-4000-8000-000000000002\n")
        #expect(await prober.waitEvidence(.none).results == nil)
    }
}
