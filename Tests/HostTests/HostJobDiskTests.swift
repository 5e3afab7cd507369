import HostSupport
import TestSupport
import Testing

@testable import Host

/// What a job leaves on the disk.
@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(2)))
struct HostJobDiskTests {
    @Test func leavesNoResultOnAFullDisk() async throws {
        try await PrivateHost.with { host in
            let jobs = HostJob.directory
            try host.root.makeDirectories(jobs)
            _ = try await host.commands.run(
                ["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "small", jobs.text],
                deadline: .seconds(60)
            )
            let job = try HostJob("install", root: host.root, commands: host.commands)
            try await job.start(["sh", "-c", "cat /dev/zero >\(jobs)/fill; exit 0"])
            #expect(try await job.wait(deadline: .seconds(60)) == .lost)
            #expect(try host.root.exists(job.file("result")) == false)
            try await job.forget()
            try host.root.remove(jobs.appending("fill"))
            try await job.start(["true"])
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 0))
        }
    }

    /// After a power failure, a job with a result must have its files.
    @Test func aDurableJobIsOnTheDiskBeforeItsResult() async throws {
        try await PrivateHost.with { host in
            try await host.recordSyncs()
            let job = try HostJob("install", root: host.root, commands: host.commands)
            try await job.start(["sh", "-c", "echo the driver >/run/driver"], durable: true)
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 0))
            #expect(try host.root.text("/run/syncs") == "-f / /usr /var: the driver, 0 results\n")
        }
    }

    @Test(arguments: [("exit 0", false, 0), ("exit 3", true, 3)])
    func onlyADurableJobThatSucceedsIsWritten(_ script: String, _ durable: Bool, _ status: Int) async throws {
        try await PrivateHost.with { host in
            try await host.recordSyncs()
            let job = try HostJob("install", root: host.root, commands: host.commands)
            try await job.start(["sh", "-c", script], durable: durable)
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: status))
            #expect(try host.root.text("/run/syncs") == nil)
        }
    }

    @Test func failsWhenTheDiskDoes() async throws {
        try await PrivateHost.with { host in
            try await host.recordSyncs(status: 5)
            let job = try HostJob("install", root: host.root, commands: host.commands)
            try await job.start(["true"], durable: true)
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 5))
            #expect(try host.root.text(job.log)?.contains("Input/output error") == true)
        }
    }
}

extension PrivateHost {
    /// Puts a stand-in for `sync` on the host.
    ///
    /// For each call with `-f`, it writes its arguments, the content of `/run/driver` and the number of results of jobs
    /// to `/run/syncs`.
    fileprivate func recordSyncs(status: Int = 0) async throws {
        let stub = """
            #!/bin/sh
            [ "$1" = -f ] || exit 0
            printf '%s: %s, %s results\\n' "$*" "$(cat /run/driver)" "$(ls /var/lib/gpu-agent/jobs/*/result* | wc -l)" \
                >>/run/syncs
            [ \(status) = 0 ] || echo 'sync: error syncing: Input/output error' >&2
            exit \(status)
            """
        _ = try await commands.run(["mount", "-t", "tmpfs", "stubs", "/usr/local/sbin"], deadline: .seconds(60))
        try root.writeAtomically("/usr/local/sbin/sync", contents: Array(stub.utf8), mode: 0o755)
    }
}
