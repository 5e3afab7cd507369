import Host
import NetworkErrors
import NodeModel
import Support
import SystemPackage
import Testing

@testable import Agent

/// The findings for errors on the host.
@Suite struct FailuresTests {
    private static let step = StepFailure(.moduleLoadFailed, subject: "loading the modules", remedy: "look at dmesg")

    struct HostCase: Sendable, CustomTestStringConvertible {
        var error: HostError
        var code: ReasonCode
        var observed: String
        var remedy: String
        var testDescription: String { "\(error)" }
    }

    static let hostCases = [
        HostCase(
            error: .file(.write, "/var/lib/x", cause: .noSpace),
            code: .diskSpace,
            observed: "cannot write /var/lib/x: No space left on device",
            remedy: "Free up space in /var/lib on the node, and run the command again."
        ),
        HostCase(
            error: .file(.write, "/var/lib/x", cause: .readOnlyFileSystem),
            code: .moduleLoadFailed,
            observed: "cannot write /var/lib/x: Read-only file system",
            remedy: "look at dmesg"
        ),
        HostCase(
            error: .commandFailed(CommandFailure(arguments: ["modprobe", "nvidia"], end: .exited(1), errorTail: "no")),
            code: .moduleLoadFailed,
            observed: "'modprobe nvidia' failed on the host: exit status 1: no",
            remedy: "look at dmesg"
        ),
        HostCase(
            error: .commandFailed(
                CommandFailure(
                    arguments: ["sh", "-ec", "for unit; do start; done", "start-it", "a.service"],
                    end: .exited(1),
                    errorTail: "no"
                )
            ),
            code: .moduleLoadFailed,
            observed: "'start-it a.service' failed on the host: exit status 1: no",
            remedy: "look at dmesg"
        ),
        HostCase(
            error: .commandNotStarted(["modprobe"], cause: MessageError("no such file")),
            code: .moduleLoadFailed,
            observed: "cannot start 'modprobe' on the host: no such file",
            remedy: "Run the agent as root in the PID namespace of the host (hostPID: true). "
                + "Make sure that the command is installed on the host."
        ),
        HostCase(
            error: .jobDeadline(RunningJob(name: "install-1", unit: "u-1.scope", pid: 17), limit: .seconds(30)),
            code: .jobRunning,
            observed: "job install-1 (unit u-1.scope, process 17) did not end within 30.0 seconds and is still running",
            remedy: "Run 'systemctl status u-1.scope' on the node to see the processes of the job. Its output is in "
                + "/var/lib/gpu-agent/jobs/install-1/log. When the job ends, run 'gpu-agent install', or wait for the "
                + "daemon. If the job hangs, run 'systemctl stop u-1.scope'. If a process cannot be killed, reboot the "
                + "node."
        ),
        HostCase(
            error: .jobRunning(RunningJob(name: "install-1", pid: 17)),
            code: .jobRunning,
            observed: "job install-1 (process 17) is already running",
            remedy: "Run 'ps -f -g 17' on the node to see the processes of the job. Its output is in "
                + "/var/lib/gpu-agent/jobs/install-1/log. When the job ends, run 'gpu-agent install', or wait for the "
                + "daemon. If the job hangs, run 'kill -- -17'. If a process cannot be killed, reboot the node."
        ),
        HostCase(
            error: .jobRunning(RunningJob(name: "install-1")),
            code: .jobRunning,
            observed: "job install-1 is already running",
            remedy:
                "Run 'fuser -v /var/lib/gpu-agent/jobs/install-1/lock' on the node to see the processes of the job. "
                + "Its output is in /var/lib/gpu-agent/jobs/install-1/log. When the job ends, run 'gpu-agent install', "
                + "or wait for the daemon. If the job hangs, kill these processes. If a process cannot be killed, reboot "
                + "the node."
        ),
        HostCase(
            error: .waitCancelled("job install-1"),
            code: .moduleLoadFailed,
            observed: "loading the modules: the wait for job install-1 was canceled",
            remedy: "look at dmesg"
        ),
        HostCase(
            error: .lockHeld("/run/lock", holder: "17 gpu-agent", waited: .seconds(1)),
            code: .hostLocked,
            observed: "another process holds the lock /run/lock (17 gpu-agent, waited 1.0 seconds)",
            remedy: "Wait until the process that holds the lock exits. If it hangs, end it."
        ),
        HostCase(
            error: .notOwn("/run/gpu-agent", why: "it is a symbolic link"),
            code: .moduleLoadFailed,
            observed: "/run/gpu-agent is not safe to use: it is a symbolic link",
            remedy: "Examine /run/gpu-agent on the node and remove it. The agent creates it again."
        ),
        HostCase(
            error: .newer("/j", "its apiVersion is 'v2'"),
            code: .moduleLoadFailed,
            observed: "a newer version of the agent wrote /j: its apiVersion is 'v2'",
            remedy: "Use the version of the agent that wrote /j, or a newer one."
        ),
        HostCase(
            error: .root("/proc/1/root", cause: .permissionDenied),
            code: .hostUnreachable,
            observed: "cannot open the host's root directory /proc/1/root: Permission denied",
            remedy: "Run the agent as root in the PID namespace of the host (hostPID: true)."
        ),
    ]

    @Test(arguments: hostCases)
    func ofTheHost(_ row: HostCase) {
        let problem = row.error.failure(Self.step).problem
        #expect(problem.code == row.code)
        #expect(problem.observed == row.observed)
        #expect(problem.remedy.text == row.remedy)
        #expect(problem.state == .failed && !problem.expected.isEmpty)
    }

    struct DownloadCase: Sendable, CustomTestStringConvertible {
        var error: DownloadError
        var code = ReasonCode.downloadFailed
        /// A part of the remedy.
        var remedy: String
        var testDescription: String { "\(error)" }
    }

    static let downloadCases = [
        DownloadCase(
            error: .wrongDigest(url: "http://a/b", expected: "00", actual: "11"),
            code: .downloadHashMismatch,
            remedy: "Do not install this file"
        ),
        DownloadCase(
            error: .noSpace(name: "driver.run", received: 7),
            code: .diskSpace,
            remedy: "Free some space in /packages"
        ),
        DownloadCase(error: .busy(name: "driver.run"), remedy: "look at dmesg"),
        DownloadCase(error: .cancelled, remedy: "look at dmesg"),
        DownloadCase(error: .badAddress("x", cause: nil), remedy: "Correct the URLs"),
        DownloadCase(
            error: .lasting(url: "https://a/b", cause: .certificate(.unknownAuthority)),
            remedy: "If your own certificate authority"
        ),
        DownloadCase(
            error: .lasting(url: "https://a/b", cause: .certificate(.expired("2020-01-01T00:00:00Z"))),
            remedy: "Correct the certificate of the server"
        ),
        DownloadCase(
            error: .lasting(url: "https://a/b", cause: .proxyAuthenticationRequired),
            remedy: "Add the user name and the password"
        ),
        DownloadCase(
            error: .unavailable(
                attempts: 3,
                cause: .network(url: "https://a/b", proxy: "proxy:3128", cause: NetworkError.connectionRefused)
            ),
            remedy: "Run 'curl -I --proxytunnel --proxy http://proxy:3128 http://a/b'"
        ),
        DownloadCase(error: .badProxy(setting: "HTTPS_PROXY"), remedy: "Correct HTTPS_PROXY in the environment"),
        DownloadCase(
            error: .badProxy(setting: "download.httpsProxy"),
            remedy: "Correct download.httpsProxy in the configuration"
        ),
        DownloadCase(
            error: .tooLarge(url: "http://a/b", limit: 1),
            remedy:
                "Run 'curl -I http://a/b' on the node and read the response. If the package really is that large, add "
                + "its size to the catalog, or raise 'download.sizeLimit' in the configuration."
        ),
        DownloadCase(
            error: .badRedirect(url: "http://a/b", cause: MessageError("it names no URL")),
            remedy: "Run 'curl -I http://a/b' on the node"
        ),
        DownloadCase(
            error: .refused(url: "http://a/b", status: 403),
            code: .downloadForbidden,
            remedy: "Allow the node to download from http://a/b"
        ),
        DownloadCase(
            error: .refused(url: "http://a/b", status: 404),
            code: .downloadNotFound,
            remedy: "Correct the URLs of this driver"
        ),
        DownloadCase(
            error: .webPage(url: "http://a/b"),
            code: .downloadWebPage,
            remedy: "Run 'curl -I http://a/b' on the node"
        ),
        DownloadCase(error: .refused(url: "http://a/b", status: 405), remedy: "Run 'curl -I http://a/b' on the node"),
        DownloadCase(
            error: .unavailable(attempts: 8, cause: .cutShort(url: "http://a/b", received: 1, expected: 2)),
            remedy: "Run 'curl -I http://a/b' on the node"
        ),
    ]

    @Test(arguments: downloadCases)
    func ofADownload(_ row: DownloadCase) {
        let file = Effect.Download(
            urls: ["http://a/b"],
            directory: "/packages",
            fileName: "driver.run",
            digest: Checksum(.sha256, "00"),
            size: nil
        )
        let step = StepFailure(.downloadFailed, subject: "the download", remedy: "look at dmesg")
        let problem = row.error.failure(of: file, step).problem
        #expect(problem.code == row.code)
        #expect(problem.remedy.text.contains(row.remedy))
        #expect(!problem.observed.isEmpty)
    }

    static let sourceCases: [(PackageSourceError, ReasonCode, String)] = [
        (.noDirectory("/mnt/x"), .sourceUnreadable, "Mount the directory on the node"),
        (
            .directoryUnreadable("/mnt/x", cause: .file(.list, "/mnt/x", cause: .ioError)), .sourceUnreadable,
            "Mount the directory on the node"
        ),
        (
            .fileUnreadable("/mnt/x/a.run", cause: .file(.read, "/mnt/x/a.run", cause: .ioError)), .sourceUnreadable,
            "Read the file on the node ('sha256sum /mnt/x/a.run')"
        ),
        (.hangs("/mnt/x/a.run", .seconds(60)), .sourceUnreadable, "Repair the mount"),
        (.deadline("/mnt/x/a.run", .seconds(60)), .sourceUnreadable, "Repair the mount"),
        (.noFile("/mnt/x/a.run", found: ["b.run"]), .sourcePackageMissing, "Put a.run into /mnt/x"),
        (.wrongSize("/mnt/x/a.run", expected: 1, actual: 2), .sourcePackageMismatch, "Do not install this file"),
        (
            .wrongDigest("/mnt/x/a.run", expected: "00", actual: "11"), .sourcePackageMismatch,
            "Do not install this file"
        ),
        (.cancelled, .installFailed, "look at dmesg"),
        (.target(.noSpace(name: "a.run", received: 7)), .diskSpace, "Free some space in /packages on the node"),
        (.target(.busy(name: "a.run")), .installFailed, "look at dmesg"),
    ]

    @Test(arguments: sourceCases.indices)
    func ofACopy(_ index: Int) {
        let (error, code, remedy) = Self.sourceCases[index]
        let file = Effect.Copy(
            source: "/mnt/x",
            directory: "/packages",
            fileName: "a.run",
            digest: Checksum(.sha256, "00"),
            size: nil
        )
        let step = StepFailure(.installFailed, subject: "the copy", remedy: "look at dmesg")
        let problem = error.failure(of: file, step).problem
        #expect(problem.code == code && problem.remedy.text.contains(remedy), "\(error): \(problem)")
        #expect(!problem.observed.isEmpty && problem.expected.contains("a.run"))
    }

    // MARK: Secrets

    private static let address = "https://user:MARKER@mirror.example.com/driver.run?sig=MARKER"

    static let faults: [DownloadFault] = [
        .network(url: address, cause: MessageError("cannot reach \(address)")),
        .status(url: address, status: 503, retryAfter: nil), .cutShort(url: address, received: 1, expected: 2),
        .tooSlow(url: address, bytesPerSecond: 1), .damagedRemainder(url: address),
    ]
    static let secretErrors: [DownloadError] =
        [
            .badAddress(address, cause: MessageError(address)), .badProxy(setting: "HTTPS_PROXY"),
            .badRedirect(url: address, cause: MessageError("'\(address)' is not an http or https URL")),
            .lasting(url: address, cause: .certificate(.wrongHostName)),
            .refused(url: address, status: 403), .webPage(url: address),
            .wrongSize(url: address, expected: 1, actual: 2), .tooLarge(url: address, limit: 1),
            .wrongDigest(url: address, expected: "00", actual: "11"), .deadline(.seconds(1), cause: faults[0]),
        ] + faults.map { .unavailable(attempts: 8, cause: $0) }

    @Test(arguments: secretErrors)
    func noFailureOfADownloadShowsASecret(_ error: DownloadError) {
        let file = Effect.Download(
            urls: [Self.address],
            directory: "/packages",
            fileName: "driver.run",
            digest: Checksum(.sha256, "00"),
            size: nil
        )
        let failure = error.failure(of: file, StepFailure(.downloadFailed, subject: "the download"))
        #expect(!"\(failure)".contains("MARKER") && !"\(failure.problem)".contains("MARKER"))
        #expect(!"\(error)".contains("MARKER") && !errorChain(error).contains("MARKER"))
    }

    static let secretHostErrors: [HostError] = [
        .commandFailed(CommandFailure(arguments: ["curl", address], end: .exited(1), errorTail: "from \(address)\n")),
        .commandNotStarted(["curl", address], cause: MessageError(address)),
        .commandDeadline(["curl", address], limit: .seconds(1), outputTail: address),
        .malformed("/x", cause: MessageError(address)), .lockHeld("/x", holder: "17 curl \(address)", waited: .zero),
    ]

    @Test(arguments: secretHostErrors)
    func noFailureOfTheHostShowsASecret(_ error: HostError) {
        let failure = error.failure(Self.step)
        #expect(!"\(failure.problem)".contains("MARKER") && !errorChain(error).contains("MARKER"))
    }
}
