import Glibc
import HostSupport
import Synchronization
import TestSupport
import Testing

@testable import Host

@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(2)))
struct HostJobTests {
    /// A command that runs until the file `/run/go` exists.
    static let gated = [
        "sh", "-c", "echo begun; until [ -e /run/go ]; do sleep 0.02; done; echo ended; exit 3",
    ]

    @Test func runsToItsEndAndKeepsTheResult() async throws {
        try await PrivateHost.with { host in
            let job = try HostJob("install", root: host.root, commands: host.commands)
            #expect(try await job.state() == .absent)
            try await job.start(
                ["sh", "-c", "echo \"$GREETING\"; echo to errors >&2; printf 'no end'; exit 7"],
                environment: ["GREETING": "hello"]
            )
            let lines = Mutex<[String]>([])
            let outcome = try await job.wait(deadline: .seconds(60)) { line in lines.withLock { $0.append(line) } }
            #expect(outcome == .finished(status: 7))
            #expect(lines.withLock { $0 } == ["hello", "to errors", "no end"])
            guard case .finished(let record, status: 7) = try await job.state() else {
                Issue.record("the result is gone")
                return
            }
            #expect(record.arguments.first == "sh")
            #expect(try host.root.text(job.log) == "hello\nto errors\nno end")
            try await job.forget()
            #expect(try await job.state() == .absent)
            try await job.forget()
        }
    }

    @Test func outlivesTheAgentThatStartedIt() async throws {
        try await PrivateHost.with { host in
            let pid = host.pid
            await #expect(processExitsWith: .signal(SIGKILL)) { [pid = pid as Int] in
                let host = try PrivateHost(pid: pid)
                try await HostJob("install", root: host.root, commands: host.commands).start(HostJobTests.gated)
                kill(getpid(), SIGKILL)
            }
            let job = try HostJob("install", root: host.root, commands: host.commands)
            guard case .running(let record) = try await job.state() else {
                Issue.record("the job is not found: \(try await job.state())")
                return
            }
            #expect(record?.arguments == Self.gated)
            await #expect { try await job.start(["true"]) } throws: { error in
                if case HostError.jobRunning(let job) = error { job.name == "install" } else { false }
            }
            await #expect(throws: HostError.self) { try await job.forget() }
            await #expect { try await job.wait(deadline: .milliseconds(200)) } throws: { error in
                if case HostError.jobDeadline = error { true } else { false }
            }
            try host.root.writeAtomically("/run/go", contents: [])
            let lines = Mutex<[String]>([])
            let outcome = try await job.wait(deadline: .seconds(60)) { line in lines.withLock { $0.append(line) } }
            #expect(outcome == .finished(status: 3))
            #expect(lines.withLock { $0 } == ["begun", "ended"])
        }
    }

    /// When the agent is killed while it starts a job, the job either runs or never starts.
    @Test(arguments: [0, 3, 6, 9, 12, 20]) func isNeverStartedTwice(_ milliseconds: Int) async throws {
        try await PrivateHost.with { host in
            let pid = host.pid
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [pid = pid as Int, milliseconds = milliseconds as Int] in
                let host = try PrivateHost(pid: pid)
                let job = try HostJob("install", root: host.root, commands: host.commands)
                async let started: Void = job.start(HostJobTests.exclusive)
                try? await Task.sleep(for: .milliseconds(milliseconds))
                kill(getpid(), SIGKILL)
                try await started
            }
            let job = try HostJob("install", root: host.root, commands: host.commands)
            switch try await job.state() {
            case .absent, .lost: try await job.start(Self.exclusive)
            case .running, .finished: break
            }
            try host.root.writeAtomically("/run/go", contents: [])
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 0))
            // A second one would have found the directory of the first.
            #expect(try host.root.exists("/run/second") == false)
            #expect(try host.root.isDirectory("/run/first"))
        }
    }

    private static let exclusive = [
        "sh", "-c", "mkdir /run/first || touch /run/second; until [ -e /run/go ]; do sleep 0.02; done",
    ]

    @Test func saysThatAKilledJobIsLostAndStartsItAgain() async throws {
        try await PrivateHost.with { host in
            let job = try HostJob("install", root: host.root, commands: host.commands)
            try await job.start(Self.gated)
            try await host.killSession(of: job)
            #expect(try await job.wait(deadline: .seconds(60)) == .lost)
            guard case .lost(let record) = try await job.state() else {
                Issue.record("not lost: \(try await job.state())")
                return
            }
            #expect(record?.arguments == Self.gated)
            try host.root.writeAtomically("/run/go", contents: [])
            try await job.start(Self.gated)
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 3))
        }
    }

    /// With the umask 077, the libraries of a driver could be read by root alone.
    @Test func hasAUmaskOfItsOwn() async throws {
        try await PrivateHost.with { host in
            let pid = host.pid
            await #expect(processExitsWith: .success) { [pid = pid as Int] in
                umask(0o077)
                let host = try PrivateHost(pid: pid)
                let job = try HostJob("install", root: host.root, commands: host.commands)
                try await job.start(["sh", "-c", "mkdir /run/made && echo x >/run/made/file"])
                let outcome = try await job.wait(deadline: .seconds(60))
                #expect(outcome == .finished(status: 0))
            }
            let modes = try ["/run/made", "/run/made/file"].map { try host.root.status($0)?.mode }
            #expect(modes == [0o755, 0o644])
        }
    }

    @Test func aLogThatNeverEndsIsBoundedAndHeldUpByNothing() async throws {
        try await PrivateHost.with { host in
            let job = try HostJob("install", root: host.root, commands: host.commands)
            // More lines than anybody reads in the time.
            try await job.start(["sh", "-c", "yes | head -c 300000000; sleep 1000"])
            let begin = ContinuousClock.now
            await #expect { try await job.wait(deadline: .seconds(4)) } throws: { error in
                if case HostError.jobDeadline = error { true } else { false }
            }
            // Far below the time that the job takes, and far above what a busy machine needs.
            #expect(ContinuousClock.now - begin < .seconds(120))
            let waiting = Task { try await job.wait(deadline: .seconds(600)) }
            try await Task.sleep(for: .seconds(1))
            let cancelled = ContinuousClock.now
            waiting.cancel()
            await #expect { try await waiting.value } throws: { error in
                if case HostError.waitCancelled = error { true } else { false }
            }
            #expect(ContinuousClock.now - cancelled < .seconds(120))
            try await host.killSession(of: job)
            #expect(try await job.wait(deadline: .seconds(60)) == .lost)
        }
    }

    @Test func aLogIsEmptiedAtItsLimitAndFollowedFromThere() async throws {
        try await PrivateHost.with { host in
            let job = try HostJob("install", root: host.root, commands: host.commands)
            let line = String(repeating: "0123456789", count: 8)
            let script = """
                yes \(line) | head -c 20000000; touch /run/written
                until [ -e /run/go ]; do sleep 0.02; done; echo last
                """
            try await job.start(["sh", "-c", script])
            let (root, log) = (host.root, job.log)
            let opener = Task {
                while try !root.exists("/run/written") { try await Task.sleep(for: .milliseconds(10)) }
                // The log is emptied when its reader has come to the limit.
                while (try root.status(log)?.size ?? 0) > 8 << 20 { try await Task.sleep(for: .milliseconds(10)) }
                try root.writeAtomically("/run/go", contents: [])
            }
            let last = Mutex("")
            let outcome = try await job.wait(deadline: .seconds(60)) { line in last.withLock { $0 = line } }
            try await opener.value
            #expect(outcome == .finished(status: 0))
            #expect(last.withLock { $0 }.hasSuffix("last"))
            let size = try host.root.status(job.log)?.size
            #expect(size.map { $0 < 16 << 20 } == true)
        }
    }

    @Test func isFinishedThoughItLeftADaemon() async throws {
        try await PrivateHost.with { host in
            let job = try HostJob("install", root: host.root, commands: host.commands)
            try await job.start(["sh", "-c", "setsid --fork sleep 600; exit 0"])
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 0))
            try await job.start(["sh", "-c", "exit 4"])
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 4))
        }
    }

    @Test(arguments: ["", ".", "..", "install-1/../..", "install\0"])
    func refusesANameThatIsNone(_ name: String) throws {
        #expect { try HostJob(name, root: HostRoot("/"), commands: HostCommands(target: 1)) } throws: { error in
            guard case HostError.malformed(let path, cause: _) = error else { return false }
            return path == HostJob.directory
        }
    }

    @Test func removesWhatEndedJobsOfOtherNamesLeft() async throws {
        try await PrivateHost.with { host in
            let (first, second) = (
                try HostJob("install-1", root: host.root, commands: host.commands),
                try HostJob("install-2", root: host.root, commands: host.commands)
            )
            try await first.start(Self.gated)
            // What an agent leaves that is killed while it writes.
            let draft = first.home.appending(".job.json.17.4711.new")
            try host.root.writeAtomically(draft, contents: [])
            try host.root.writeAtomically(HostJob.directory.appending("note"), contents: [])
            // Only one job runs at a time.
            await #expect { try await second.start(["true"]) } throws: { error in
                if case HostError.jobRunning(let job) = error { job.name == "install-1" } else { false }
            }
            #expect(try await second.state() == .absent)
            #expect(try host.root.exists(draft))
            #expect(try await HostJob.running(on: host.root, host.commands).map(\.name) == ["install-1"])
            try host.root.writeAtomically("/run/go", contents: [])
            #expect(try await first.wait(deadline: .seconds(60)) == .finished(status: 3))
            #expect(try await HostJob.running(on: host.root, host.commands).isEmpty)
            try await second.start(["true"])
            #expect(try host.root.list(HostJob.directory) == ["install-2", "note"])
            #expect(try await second.wait(deadline: .seconds(60)) == .finished(status: 0))
        }
    }
}

extension PrivateHost {
    /// Kills the job with all processes that are still in its session.
    fileprivate func killSession(of job: HostJob) async throws {
        var leader: Substring?
        while leader == nil {
            leader = try root.text(job.file("pid"))?.split(separator: " ").first
            if leader == nil { try await Task.sleep(for: .milliseconds(10)) }
        }
        _ = try await commands.run(["sh", "-c", "kill -s KILL -- -\(try #require(leader))"], deadline: .seconds(60))
    }
}
