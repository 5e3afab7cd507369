import Glibc
import HostSupport
import NodeModel
import Subprocess
import TestSupport
import Testing

@testable import Host

@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(2)))
struct HostCommandsTests {
    @Test func runsInTheHostsNamespaces() async throws {
        try await PrivateHost.with { host in
            try host.root.writeAtomically("/run/only-here", contents: Array("yes".utf8))
            let output = try await host.commands.run(["cat", "/run/only-here"], deadline: .seconds(60))
            #expect(output.output == "yes")
            let own = try await host.commands.run(["sh", "-c", "cat /proc/1/comm; pwd"], deadline: .seconds(60))
            #expect(own.output == "sh\n/\n")
            #expect(try host.root.resolve("/proc/../run/only-here") == "/run/only-here")
        }
    }

    @Test func handsOverAFixedEnvironment() async throws {
        try await PrivateHost.with { host in
            setenv("SECRET_OF_THE_AGENT", "x", 1)
            let commands = HostCommands(target: host.pid, environment: ["HTTPS_PROXY": "http://proxy:3128"])
            let output = try await commands.run(["env"], deadline: .seconds(60), environment: ["EXTRA": "1"])
            let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            #expect(
                output.output.split(separator: "\n").sorted()
                    == [
                        "EXTRA=1", "HTTPS_PROXY=http://proxy:3128", "LANG=C.UTF-8", Substring(path),
                        "https_proxy=http://proxy:3128",
                    ]
            )
        }
    }

    @Test func keepsASpellingOfAProxyThatTheEnvironmentHas() {
        let both = ["http_proxy": "a", "HTTP_PROXY": "b", "no_proxy": "c"]
        let expected = both.merging(["NO_PROXY": "c"]) { $1 }
        #expect(HostCommands(target: 1, environment: both).environment == expected)
    }

    @Test func keepsTheEndOfWhatACommandSaid() async throws {
        try await PrivateHost.with { host in
            let script = "seq 1 100000; echo the last word >&2; exit 3"
            await #expect {
                try await host.commands.run(["sh", "-c", script], deadline: .seconds(60))
            } throws: { error in
                guard case HostError.commandFailed(let failure) = error else { return false }
                return failure.end == .exited(3) && failure.errorTail == "the last word\n"
                    && failure.description == "exit status 3: the last word"
            }
            let all = try await host.commands.run(["seq", "1", "100000"], deadline: .seconds(60))
            #expect(all.output.utf8.count == 64 * 1024)
            #expect(all.output.hasSuffix("99999\n100000\n"))
        }
    }

    @Test func tellsASignalFromAnExit() async throws {
        try await PrivateHost.with { host in
            await #expect {
                try await host.commands.run(["sh", "-c", "kill -s SEGV $$"], deadline: .seconds(60))
            } throws: { error in
                guard case HostError.commandFailed(let failure) = error else { return false }
                return failure.end == .signaled(Int(SIGSEGV))
            }
        }
    }

    @Test func saysThatACommandIsMissing() async throws {
        try await PrivateHost.with { host in
            await #expect {
                try await host.commands.run(["no-such-command"], deadline: .seconds(60))
            } throws: { error in
                guard case HostError.commandNotStarted(["no-such-command"], let cause) = error else { return false }
                return "\(cause)".contains("No such file or directory")
            }
        }
    }

    @Test func saysThatThereIsNoSuchHost() async throws {
        await #expect {
            try await HostCommands(target: 0x3fff_fffe).run(["true"], deadline: .seconds(60))
        } throws: { error in
            if case HostError.commandNotStarted = error { true } else { false }
        }
    }

    @Test func killsTheWholeGroupAtTheDeadline() async throws {
        try await PrivateHost.with { host in
            // The grandchild ignores what asks politely and would outlive its parent.
            let script = "(trap '' TERM HUP; echo $$ >/run/parent; sleep 600) & echo working >&2; wait"
            await #expect {
                try await host.commands.run(["sh", "-c", script], deadline: .seconds(1))
            } throws: { error in
                guard case HostError.commandDeadline(_, limit: .seconds(1), let tail) = error else { return false }
                return tail == "working\n"
            }
            try await waitUntilGone("600", on: host)
        }
    }

    @Test func killsTheWholeGroupOfACancelledCommand() async throws {
        try await PrivateHost.with { host in
            let task = Task {
                try await host.commands.run(["sh", "-c", "touch /run/up; sleep 601; :"], deadline: .seconds(60))
            }
            while try !host.root.exists("/run/up") { try await Task.sleep(for: .milliseconds(10)) }
            task.cancel()
            await #expect {
                try await task.value
            } throws: { error in
                if case HostError.commandCancelled = error { true } else { false }
            }
            try await waitUntilGone("601", on: host)
        }
    }

    @Test func leavesACommandToItselfThatOutlivesTheKill() async throws {
        try await PrivateHost.with { host in
            await #expect {
                try await Self.unkillable(on: host).run(["sleep", "603"], deadline: .milliseconds(500))
            } throws: { error in
                if case HostError.commandDeadline = error { true } else { false }
            }
            #expect(try await runningSleeps(on: host, "603") == 1)
            try await killAndExpectNoZombie("603", on: host)
        }
    }

    @Test func leavesACancelledCommandToItselfThatOutlivesTheKill() async throws {
        try await PrivateHost.with { host in
            let task = Task { try await Self.unkillable(on: host).run(["sleep", "604"], deadline: .seconds(600)) }
            while try await runningSleeps(on: host, "604") == 0 { try await Task.sleep(for: .milliseconds(10)) }
            task.cancel()
            await #expect { try await task.value } throws: { error in
                if case HostError.commandCancelled = error { true } else { false }
            }
            #expect(try await runningSleeps(on: host, "604") == 1)
            try await killAndExpectNoZombie("604", on: host)
        }
    }

    /// Simulates a command in an uninterruptible system call: the signal to kill it has no effect.
    private static func unkillable(on host: PrivateHost) -> HostCommands {
        let nothing = TeardownStep.send(
            signal: .windowSizeChange,
            toProcessGroup: true,
            allowedDurationToNextStep: .seconds(600)
        )
        return HostCommands(target: host.pid, killing: [nothing])
    }

    @Test func doesNotWaitForWhatADaemonKeepsOpen() async throws {
        try await PrivateHost.with { host in
            let output = try await host.commands.run(
                ["sh", "-c", "echo ready; setsid --fork sleep 602"],
                deadline: .seconds(30)
            )
            #expect(output.output == "ready\n")
            // The program that stays may not have become `sleep` yet.
            try await eventually("the program that stays runs") { try await runningSleeps(on: host, "602") == 1 }
        }
    }

    @Test func readsACompressedModuleThroughTheHost() async throws {
        try await PrivateHost.with { host in
            let root = host.root
            let commands = host.commands
            try root.makeDirectories("/run/bin")
            // Stands in for modinfo, which asks the same of a real file.
            let tool =
                "#!/bin/sh\n[ \"$3\" = /run/nvidia.ko.xz ] || exit 9\n[ $2 = version ] && echo 595.91.07 || echo NVIDIA\n"
            try root.writeAtomically("/run/bin/modinfo", contents: Array(tool.utf8), mode: 0o755)
            try root.writeAtomically("/run/nvidia.ko.xz", contents: [1])
            try root.writeAtomically("/run/modules.dep", contents: Array("/run/nvidia.ko.xz:\n".utf8))
            let release = "gpu-agent-test"
            let setup =
                "mount -t tmpfs modules /lib/modules && mkdir /lib/modules/\(release) && mv /run/modules.dep /lib/modules/\(release)"
            _ = try await commands.run(["sh", "-c", "mkdir -p /lib/modules && \(setup)"], deadline: .seconds(60))
            let path = ["PATH": "/run/bin:/usr/bin:/bin"]
            let withTool = HostCommands(target: host.pid, environment: path)
            let probe = ModuleFileProbe(root: root, commands: withTool)
            let expected = ModuleFile(path: "/run/nvidia.ko.xz", version: "595.91.07", kernelModuleType: .proprietary)
            #expect(await probe.read(kernelRelease: .present(release)) == .present(expected))
        }
    }
}

/// Kills an abandoned command, and waits until its nsenter is reaped.
///
/// A zombie would keep its entry in `/proc`.
private func killAndExpectNoZombie(_ argument: String, on host: PrivateHost) async throws {
    let own = try HostRoot("/")
    let ending = Array("\0sleep\0\(argument)\0".utf8)
    let entered = try (own.list("/proc") ?? []).filter { Int($0) != nil }.filter { name in
        let line = try? own.read(HostPath("/proc").appending(name).appending("cmdline"))
        return line?.suffix(ending.count) == ending[...]
    }
    let pid = try #require(entered.first, "the command is gone already")
    for name in try host.root.list("/proc") ?? [] where Int(name) != nil {
        let line = try? host.root.read(HostPath("/proc").appending(name).appending("cmdline"))
        guard line == Array(ending.dropFirst()) else { continue }
        _ = try await host.commands.run(["sh", "-c", "kill -s KILL \(name)"], deadline: .seconds(60))
    }
    while try own.exists(HostPath("/proc").appending(pid)) { try await Task.sleep(for: .milliseconds(10)) }
}

/// Waits until no such process remains, because the signal takes effect after a moment.
///
/// The time limit of the test is the deadline.
private func waitUntilGone(_ argument: String, on host: PrivateHost) async throws {
    while try await runningSleeps(on: host, argument) > 0 { try await Task.sleep(for: .milliseconds(10)) }
}

/// The number of `sleep` processes with this argument on the host.
private func runningSleeps(on host: PrivateHost, _ argument: String) async throws -> Int {
    let wanted = Array("sleep\0\(argument)\0".utf8)
    return try (host.root.list("/proc") ?? []).filter { Int($0) != nil }.filter { name in
        try host.root.read(HostPath("/proc").appending(name).appending("cmdline")) == wanted
    }.count
}
