import HostSupport
import Support
import TestSupport
import Testing

@testable import Host

/// The transient unit of a job on a host with systemd.
///
/// The private host has no systemd, so a script takes the place of `systemd-run`. The virtual machine has the real one.
@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(2)))
struct HostJobUnitTests {
    @Test func hasAScopeOnAHostWithSystemd() async throws {
        try await PrivateHost.with { host in
            try await host.putSystemd(
                "printf '%s\\n' \"$@\" >/run/arguments; until [ \"$1\" = -- ]; do shift; done; shift; exec \"$@\""
            )
            let job = try HostJob("install-595.58.03", root: host.root, commands: host.commands)
            try await job.start(["sh", "-c", "echo begun; exit 3"])
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 3))
            #expect(try host.root.text(job.log) == "begun\n")
            let text = try host.root.text("/run/arguments") ?? ""
            let arguments = text.replacing(/-[0-9]{13}[.]scope/, with: "-TIME.scope").split(separator: "\n")
            #expect(
                arguments.prefix { $0 != "--" } == [
                    "--scope", "--quiet", "--collect", "--unit=gpu-agent-install-595.58.03-TIME.scope",
                    "--description=Job install-595.58.03 of gpu-agent", "--property=CPUWeight=50",
                    "--property=IOWeight=50", "--property=MemoryMax=50%",
                ]
            )
        }
    }

    /// A person stops a job that hangs by its unit.
    @Test func theErrorOfADeadlineNamesTheUnit() async throws {
        try await PrivateHost.with { host in
            try await host.putSystemd(
                "printf '%s\n' \"$@\" >/run/arguments; until [ \"$1\" = -- ]; do shift; done; shift; exec \"$@\""
            )
            let job = try HostJob("install", root: host.root, commands: host.commands)
            try await job.start(["sh", "-c", "until [ -e /run/go ]; do sleep 0.02; done"])
            try await eventually("the job writes its number") { try host.root.exists(job.file("pid")) }
            let pid = try host.root.text(job.file("pid"))?.split(separator: " ").first.flatMap { Int($0) }
            let arguments = try #require(try host.root.text("/run/arguments")).split(separator: "\n")
            await #expect { try await job.wait(deadline: .milliseconds(100)) } throws: { error in
                guard case HostError.jobDeadline(let running, limit: _) = error else { return false }
                return running.pid == pid && pid != nil && arguments.contains("--unit=\(running.unit ?? "none")")
            }
            try host.root.writeAtomically("/run/go", contents: [])
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 0))
        }
    }

    /// A background process of an earlier job keeps the unit of that job.
    @Test func startsAgainWhileTheFormerUnitExists() async throws {
        try await PrivateHost.with { host in
            let refuse = """
                for word; do case $word in --unit=*) unit=${word#--unit=} ;; esac; done
                [ ! -e "/run/$unit" ] || { echo "Unit $unit was already loaded." >&2; exit 1; }
                : >"/run/$unit"; until [ "$1" = -- ]; do shift; done; shift; exec "$@"
                """
            try await host.putSystemd(refuse)
            let job = try HostJob("install", root: host.root, commands: host.commands)
            for _ in 1...2 {
                try await job.start(["true"])
                #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 0))
            }
        }
    }

    @Test func isNotStartedWhenSystemdRefusesTheScope() async throws {
        try await PrivateHost.with { host in
            try await host.putSystemd("echo 'Failed to start transient scope unit: refused' >&2; exit 1")
            let job = try HostJob("install", root: host.root, commands: host.commands)
            try await job.start(["touch", "/run/begun"])
            #expect(try await job.wait(deadline: .seconds(60)) == .notStarted)
            #expect(try host.root.text(job.log) == "Failed to start transient scope unit: refused\n")
            #expect(try host.root.exists("/run/begun") == false)
            // The next start does not trip over this one.
            try await host.putSystemd("until [ \"$1\" = -- ]; do shift; done; shift; exec \"$@\"")
            try await job.start(["touch", "/run/begun"])
            #expect(try await job.wait(deadline: .seconds(60)) == .finished(status: 0))
            #expect(try host.root.exists("/run/begun"))
        }
    }

    @Test(
        arguments: [
            ("install-595.58.03", "gpu-agent-install-595.58.03-1795000000250.scope"),
            ("a b%c\u{e9}@:d", "gpu-agent-a_b_c___d-1795000000250.scope"),
        ]
    ) func namesItsUnit(_ name: String, _ unit: String) async throws {
        try await PrivateHost.with { host in
            let job = try HostJob(name, root: host.root, commands: host.commands)
            #expect(job.unit(startedAt: Timestamp(1_795_000_000.25)) == unit)
        }
    }
}

extension PrivateHost {
    /// Makes the host look like one with systemd, and puts a script in place of `systemd-run`.
    fileprivate func putSystemd(_ script: String) async throws {
        try root.makeDirectories("/run/systemd/system")
        if try root.exists("/usr/local/sbin/systemd-run") == false {
            _ = try await commands.run(["mount", "-t", "tmpfs", "stubs", "/usr/local/sbin"], deadline: .seconds(60))
        }
        let stub = "#!/bin/sh\n\(script)\n"
        try root.writeAtomically("/usr/local/sbin/systemd-run", contents: Array(stub.utf8), mode: 0o755)
    }
}
