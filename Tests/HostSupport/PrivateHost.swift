import Glibc
package import Host
import Subprocess
import SystemPackage
package import Testing

/// A stand-in for the host: a process with its own mount and PID namespaces, and its own `/run`, `/var/lib` and
/// `/proc`.
package struct PrivateHost: Sendable {
    /// The ID of the host's first process, in the PID namespace of the tests.
    package let pid: Int
    package let root: HostRoot
    package var commands: HostCommands { HostCommands(target: pid) }

    /// Whether this machine can create such a host; otherwise, the tests that need one are skipped.
    package static let isPossible = geteuid() == 0
    package static let reason: Comment = "needs root, to make namespaces"

    package init(pid: Int) throws {
        self.pid = pid
        root = try HostRoot("/proc/\(pid)/root")
    }

    /// Runs a test with such a host, and kills all its processes afterwards.
    ///
    /// When the process of the tests crashes, its end of the pipe closes, and the host ends, too. Otherwise, the host would
    /// keep the output of the tests open, and whoever reads it would wait for ever.
    package static func with(_ body: @Sendable (PrivateHost) async throws -> Void) async throws {
        // The first line still sees the outer /proc, where "self" is the number on our side.
        let script = """
            read -r pid rest </proc/self/stat
            mount -t tmpfs run /run && mount -t tmpfs lib /var/lib && mount -t proc proc /proc || exit 1
            echo "$pid."
            exec 3<&0
            cat <&3 >/dev/null 2>&1 &
            wait $!
            """
        let (input, keeper) = try FileDescriptor.pipe()
        defer { try? keeper.close() }
        // Otherwise, the other programs of the tests would keep the host, too.
        for end in [input, keeper] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        let namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        _ = try await Subprocess.run(
            .name("unshare"),
            arguments: Arguments(namespaces + ["sh", "-c", script]),
            input: .fileDescriptor(input, closeAfterSpawningProcess: true),
            output: .sequence,
            error: .currentStandardError
        ) { execution in
            defer { try? execution.send(signal: .kill) }
            var said = ""
            for try await buffer in execution.standardOutput {
                said += buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                if said.contains(".") { break }
            }
            let pid = try #require(Int(said.prefix { $0 != "." }), "the private host did not start")
            try await body(try PrivateHost(pid: pid))
        }
    }
}
