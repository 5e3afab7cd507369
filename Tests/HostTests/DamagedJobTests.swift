import Glibc
import HostSupport
import Synchronization
import TestSupport
import Testing
@testable import Host

/// Jobs whose files are missing or damaged, or whose process is not that of the job.
@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(2)))
struct DamagedJobTests {
    /// The content of the file after a full disk or a power failure.
    @Test(arguments: ["", "\n", "not a number", "12 34", "-1", "256", "9223372036854775808"])
    func isLostWithoutAReadableResult(_ result: String) async throws {
        try await PrivateHost.with { host in
            let job = try HostJob("install", root: host.root, commands: host.commands)
            try await job.start(["true"])
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 0))
            try host.root.writeAtomically(job.file("result"), contents: Array(result.utf8))
            #expect(try await job.wait(deadline: .seconds(60)) == .lost)
            try await job.start(["sh", "-c", "exit 5"])
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 5))
        }
    }

    @Test func isLostWhenItsRecordIsSpoiltAndAbsentWhenItIsGone() async throws {
        try await PrivateHost.with { host in
            let job = try HostJob("install", root: host.root, commands: host.commands)
            try await job.start(["true"])
            _ = try await job.wait(deadline: .seconds(60))
            try host.root.writeAtomically(job.file("job.json"), contents: Array("{".utf8))
            #expect(try await job.state() == .lost(nil))
            try host.root.remove(job.file("job.json"))
            try host.root.makeDirectories(job.file("job.json"))
            #expect(try await job.state() == .lost(nil))
            try host.root.remove(job.file("job.json"))
            #expect(try await job.state() == .absent)
            try await job.forget()
            #expect(try host.root.exists(job.home) == false)
        }
    }

    @Test func runsOnWithASpoiltRecordAndIsNotForgotten() async throws {
        try await PrivateHost.with { host in
            let job = try HostJob("install", root: host.root, commands: host.commands)
            try await job.start(HostJobTests.gated)
            try host.root.writeAtomically(job.file("job.json"), contents: [])
            #expect(try await job.state() == .running(nil))
            await #expect { try await job.forget() } throws: { error in
                if case HostError.jobRunning(let job) = error { job.name == "install" } else { false }
            }
            await #expect { try await job.start(["true"]) } throws: { error in
                if case HostError.jobRunning(let job) = error { job.name == "install" } else { false }
            }
            try host.root.writeAtomically("/run/go", contents: [])
            #expect(try await job.wait(deadline: .seconds(60)) == .lost)
        }
    }

    /// The process that had the number has ended, and another one has it now.
    @Test func aNumberOfAnotherProcessIsNotThatOfTheJob() async throws {
        try await PrivateHost.with { host in
            let job = try HostJob("install", root: host.root, commands: host.commands)
            #expect(job.whereItRuns() == RunningJob(name: "install"))
            try await job.start(HostJobTests.gated)
            try await eventually("the job writes its number") { try host.root.exists(job.file("pid")) }
            let text = try #require(try host.root.text(job.file("pid")))
            let pid = try #require(text.split(separator: " ").first.flatMap { Int($0) })
            #expect(job.whereItRuns() == RunningJob(name: "install", pid: pid))
            for other in ["\(pid) 1\n", "\(pid)\n", "1 1\n", "-1 1\n", ""] {
                try host.root.writeAtomically(job.file("pid"), contents: Array(other.utf8))
                #expect(job.whereItRuns() == RunningJob(name: "install"), "\(other)")
            }
            try host.root.writeAtomically("/run/go", contents: [])
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 3))
        }
    }

    /// The agent must not keep the lock open that the command would have inherited.
    @Test func isLostWhenItCouldNotBeStarted() async throws {
        try await PrivateHost.with { host in
            let nowhere = HostCommands(target: host.pid, environment: ["PATH": "/nowhere"])
            let job = try HostJob("install", root: host.root, commands: nowhere)
            await #expect { try await job.start(["true"]) } throws: { error in
                if case HostError.commandNotStarted = error { true } else { false }
            }
            #expect(try await job.wait(deadline: .seconds(60)) == .notStarted)
            let noHost = try HostJob("other", root: host.root, commands: HostCommands(target: 0x3fff_fffe))
            await #expect(throws: HostError.self) { try await noHost.start(["true"]) }
            #expect(try await noHost.wait(deadline: .seconds(60)) == .notStarted)
            let root = host.root
            let cancelled = Task {
                try? await Task.sleep(for: .seconds(600))
                try await HostJob("late", root: root, commands: HostCommands(target: 0x3fff_fffe)).start(["true"])
            }
            cancelled.cancel()
            await #expect(throws: HostError.self) { try await cancelled.value }
            let late = try HostJob("late", root: root, commands: nowhere)
            #expect(try await late.wait(deadline: .seconds(60)) == .notStarted)
        }
    }
}
