import HostSupport
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
            let arguments = try host.root.text("/run/arguments")?.split(separator: "\n") ?? []
            #expect(
                arguments.prefix { $0 != "--" } == [
                    "--scope", "--quiet", "--collect", "--unit=gpu-agent-install-595.58.03.scope",
                    "--description=Job install-595.58.03 of gpu-agent", "--property=CPUWeight=50",
                    "--property=IOWeight=50", "--property=MemoryMax=50%",
                ]
            )
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
            ("install-595.58.03", "gpu-agent-install-595.58.03.scope"),
            ("a b%c\u{e9}@:d", "gpu-agent-a_b_c___d.scope"),
        ]
    ) func namesItsUnit(_ name: String, _ unit: String) async throws {
        try await PrivateHost.with { host in
            let job = try HostJob(name, root: host.root, commands: host.commands)
            #expect(job.unit == unit)
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
