import Host
import NodeModel
import Testing

@testable import Agent

/// A full file system is found in the logs of a job, and has a code of its own.
@Suite struct FullDiskTests {
    /// What programs say when a file system is full.
    ///
    /// The lines are those of tar, the archives of NVIDIA's installer, gcc, apt-get and rpm.
    @Test(arguments: [
        "tar: x: Cannot write: No space left on device", "Not enough space left in /var/lib (2 KB) to decompress x",
        "cc1: fatal error: error writing to /tmp/a.s: No space left on device",
        "E: You don't have enough free space in /var/cache/apt/archives/.",
        "  At least 20MB more space needed on the / filesystem.",
    ])
    func aFullFileSystemIsTheCause(_ line: String) {
        let failed = ExitMeaning(80, .buildPackagesFailed, expected: "packages", remedy: "Look.")
        let failure = StepFailure(.installerFailed, subject: "the installer", exits: [failed])
        let log = JobLog(of: Effect.Job(name: "x", command: ["true"]), output: "/jobs/x/log", failure: failure)
        for (status, output) in [(1, "begin\n\(line)\nend\n"), (80, "\(line)\nERROR: it failed: \(line)\n")] {
            let problem = log.problem(.finished(status: status), ownLog: "", output: output)
            #expect(problem.code == .diskSpace)
            let words = line.split(separator: " ").joined(separator: " ")
            #expect(problem.observed == "the installer exited with status \(status): \(words)")
            #expect(problem.remedy.text.hasSuffix("Read /jobs/x/log on the node."))
        }
    }

    /// A job that cannot write its result looks as if it had been killed.
    @Test(arguments: [(HostJob.Outcome.lost, ReasonCode.diskSpace), (.finished(status: 1), .installerFailed)])
    func aJobWithoutAResultOnAFullFileSystem(_ outcome: HostJob.Outcome, _ code: ReasonCode) {
        let failure = StepFailure(.installerFailed, subject: "the installer")
        let log = JobLog(of: Effect.Job(name: "x", command: ["true"]), output: "/jobs/x/log", failure: failure)
        #expect(log.problem(outcome, isFull: true, ownLog: "", output: "").code == code)
        #expect(log.problem(outcome, isFull: false, ownLog: "", output: "").code == .installerFailed)
    }
}
