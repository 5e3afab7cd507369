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
            error: .commandNotStarted(["modprobe"], cause: MessageError("no such file")),
            code: .moduleLoadFailed,
            observed: "cannot start 'modprobe' on the host: no such file",
            remedy: "Run the agent as root in the PID namespace of the host (hostPID: true). "
                + "Make sure that the command is installed on the host."
        ),
        HostCase(
            error: .jobDeadline("install-1", limit: .seconds(30)),
            code: .moduleLoadFailed,
            observed: "loading the modules: job install-1 did not end within 30.0 seconds and is still running",
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

    struct LogCase: Sendable, CustomTestStringConvertible {
        var subject: String
        var outcome: HostJob.Outcome
        /// Whether the program writes its errors to a separate log.
        var ownLog = false
        var log: String
        var observed: String
        var testDescription: String { observed }
    }

    static let logCases = [
        LogCase(
            subject: "the installer",
            outcome: .finished(status: 1),
            ownLog: true,
            log: "-> Building\nERROR: first\nERROR:  no   compiler\nERROR: Installation has failed.\n-> end\n",
            observed: "the installer exited with status 1: no compiler: Installation has failed."
        ),
        LogCase(
            subject: "the installer",
            outcome: .lost,
            ownLog: true,
            log: "-> Building\n-> Compiling\n",
            observed: "the installer was killed"
        ),
        LogCase(
            subject: "apt-get purge",
            outcome: .finished(status: 100),
            log: "Reading lists\nE: dpkg was\tinterrupted\nE: run 'dpkg --configure -a'\n",
            observed: "apt-get purge exited with status 100: E: dpkg was interrupted: E: run 'dpkg --configure -a'"
        ),
        LogCase(
            subject: "nvidia-uninstall",
            outcome: .finished(status: 1),
            log: "ERROR: the log is gone\nbye\n",
            observed: "nvidia-uninstall exited with status 1: the log is gone"
        ),
        LogCase(
            subject: "the installer",
            outcome: .finished(status: 1),
            ownLog: true,
            log: "-> Building\n   cc: error:   unrecognized command-line option '-ftrivial-auto-var-init=zero'\n"
                + "   make[2]: *** [nv.o] Error 1\nERROR: The kernel module failed to build.\n",
            observed: "the installer exited with status 1: cc: error: unrecognized command-line option "
                + "'-ftrivial-auto-var-init=zero': The kernel module failed to build."
        ),
        LogCase(
            subject: "the installer",
            outcome: .finished(status: 1),
            ownLog: true,
            log: "   /bin/sh: 1: gcc-12: not found\nERROR: An error occurred while performing the step.\n",
            observed: "the installer exited with status 1: /bin/sh: 1: gcc-12: not found: "
                + "An error occurred while performing the step."
        ),
        LogCase(subject: "rpm -e", outcome: .absent, log: "", observed: "rpm -e was never started"),
        LogCase(
            subject: "the installer",
            outcome: .notStarted,
            log: "Failed to start transient scope unit: Access denied\n",
            observed: "the host could not start the installer: Failed to start transient scope unit: Access denied"
        ),
    ]

    /// On a `noexec` file system, the installer does not get as far as its own log.
    @Test(arguments: [
        (
            "", "x.run: 1: ./nvidia-installer: Permission denied\r\n", "/jobs/x/log",
            ": x.run: 1: ./nvidia-installer: Permission denied"
        ),
        ("-> Begin\n", "ERROR: no space\n", "/jobs/x/log", ": no space"),
        ("-> Begin\n", "Verifying\n", "/var/log/own.log", ""),
        ("ERROR: no cc\n", "ERROR: Installation has failed\n", "/var/log/own.log", ": no cc"),
        ("", "", "/jobs/x/log", ""),
    ])
    func theRemedyNamesTheLogWithTheCause(_ own: String, _ output: String, _ path: String, _ cause: String) {
        let failure = StepFailure(.installerFailed, subject: "the installer")
        let job = Effect.Job(name: "x", command: ["true"], log: "/var/log/own.log")
        let log = JobLog(of: job, output: "/jobs/x/log", failure: failure)
        let problem = log.problem(.finished(status: 1), ownLog: own, output: output)
        #expect(problem.observed == "the installer exited with status 1\(cause)")
        #expect(problem.remedy.text == "Read \(path) on the node.")
    }

    /// A status with a problem of its own, whose observation the job prints.
    @Test(arguments: [
        (81, "ERROR: process 7  (apt-get) holds the lock.\nnoise\n", ReasonCode.packageManagerBusy),
        (82, "ERROR: of another program\nERROR: process 7 (apt-get) holds the lock.\n", .installerFailed),
        (81, "noise\n", .installerFailed),
    ])
    func anExitStatusOfAJobHasAProblemOfItsOwn(_ status: Int, _ output: String, _ code: ReasonCode) {
        let busy = ExitMeaning(81, .packageManagerBusy, expected: "nobody", remedy: "Wait.")
        let failure = StepFailure(.installerFailed, subject: "the job", exits: [busy])
        let log = JobLog(of: Effect.Job(name: "x", command: ["true"]), output: "/jobs/x/log", failure: failure)
        let problem = log.problem(.finished(status: status), ownLog: "", output: output)
        #expect(problem.code == code)
        if code == .packageManagerBusy {
            #expect(problem.observed == "process 7 (apt-get) holds the lock.")
            #expect(problem.expected == "nobody" && problem.remedy.text == "Wait.")
        }
        #expect(log.problem(.lost, ownLog: "", output: output).code == .installerFailed)
    }

    // MARK: The log of a real build

    // What DKMS 3.0.10 prints when the build of NVIDIA's driver 535 fails, and the log that it names, without the
    // command lines. The compiler does not know an option of the kernel, so almost every test of NVIDIA's conftest.sh
    // fails, too.
    private static let dkmsOutput = """
        ERROR: Failed to run `/usr/sbin/dkms build -m nvidia -v 535.309.01 -k 6.1.0-56-cloud-amd64`: Building module:
        Cleaning build area...
        env NV_VERBOSE=1 make -j2 modules KERNEL_UNAME=6.1.0-56-cloud-amd64...(bad exit status: 2)
        Error! Bad return status for module build on kernel: 6.1.0-56-cloud-amd64 (x86_64)
        Consult /var/lib/dkms/nvidia/535.309.01/build/make.log for more information.
        ERROR: Installation has failed.

        """
    private static let makeLog = """
        DKMS make.log for nvidia-535.309.01 for kernel 6.1.0-56-cloud-amd64 (x86_64)
        make[1]: Entering directory '/usr/src/linux-headers-6.1.0-56-common'
         CONFTEST: cc_sanity_check
        gcc-12: error: unrecognized command-line option ‘-fmin-function-alignment=16’; did you mean ‘-flimit-function-alignment’?
        #error dma_buf_export() conftest failed!
        #undef NV_DRM_ALPHA_BLENDING_AVAILABLE
        make[3]: *** [/usr/src/linux-headers-6.1.0-56-common/scripts/Makefile.build:255: nvidia/nv.o] Error 1
        make[3]: *** Waiting for unfinished jobs....
        make: *** [Makefile:137: modules] Error 2

        """

    /// DKMS prints where the log of the build is, but not what is in it.
    @Test func theCauseIsInTheLogThatDKMSNames() {
        let failure = StepFailure(.installerFailed, subject: "the installer")
        let job = Effect.Job(name: "x", command: ["true"], log: "/var/log/own.log")
        let log = JobLog(of: job, output: "/jobs/x/log", failure: failure)
        #expect(JobLog.buildLog(namedIn: Self.dkmsOutput) == "/var/lib/dkms/nvidia/535.309.01/build/make.log")
        let problem = log.problem(
            .finished(status: 1),
            ownLog: Self.dkmsOutput,
            output: "",
            buildLog: Self.makeLog
        )
        #expect(problem.observed.contains("status 1: gcc-12: error: unrecognized command-line option ‘-fmin-"))
        #expect(problem.observed.hasSuffix(": Installation has failed."))
    }

    /// The versions of the two compilers can be equal: distributions change what their compilers support.
    @Test(arguments: [
        ("cc: error: unrecognized command-line option '-ftrivial-auto-var-init=zero'", true),
        ("cc1: error: unrecognized command line option \"-mharden-sls=all\"", true),
        ("clang: error: unknown argument: '-fconserve-stack'", true),
        ("nv.c:1:1: error: too few arguments to function 'f'", false), ("", false),
    ])
    func anOptionThatTheCompilerDoesNotKnowNamesTheKernelsCompiler(_ line: String, _ isNamed: Bool) {
        let failure = StepFailure(.installerFailed, subject: "the installer")
        let log = JobLog(
            of: Effect.Job(name: "x", command: ["true"], log: "/own.log"),
            output: "/out",
            failure: failure
        )
        let own = "\(line)\nERROR: The build failed. See the log.\nERROR: Installation has failed.\n"
        for kernel in [Compiler(kind: .gcc, version: "12.3.0"), nil] {
            let problem = log.problem(.finished(status: 1), ownLog: own, output: "", kernelCompiler: kernel)
            let name = kernel == nil ? "Install the compiler" : "Install gcc-12, the compiler"
            #expect(problem.remedy.text.contains("\(name) that built the kernel, and make it the default") == isNamed)
            #expect(problem.remedy.text.hasSuffix("Read /own.log on the node."))
            #expect(problem.observed.hasSuffix(": The build failed. See the log. Installation has failed."))
        }
    }

    @Test(arguments: [
        "", "Consult", "Consult /var/lib/dkms/", "Consult /var/lib/dkms/nvidia/1/build/other.log",
        "Consult /etc/dkms/make.log for more", "Consult /var/lib/dkms/../../etc/x/make.log for more",
    ])
    func onlyALogOfDKMSIsRead(_ text: String) {
        #expect(JobLog.buildLog(namedIn: text) == nil)
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

    @Test(arguments: logCases)
    func ofAJob(_ row: LogCase) {
        let failure = StepFailure(.driverRemovalFailed, subject: row.subject)
        let job = Effect.Job(name: "x", command: ["true"], log: row.ownLog ? "/var/log/own.log" : nil)
        let log = JobLog(of: job, output: "/jobs/x/log", failure: failure)
        let (own, output) = row.ownLog ? (row.log, "") : ("", row.log)
        let problem = log.problem(row.outcome, ownLog: own, output: output)
        #expect(problem.code == .driverRemovalFailed)
        #expect(problem.observed == row.observed)
        #expect(problem.remedy.text.hasSuffix("Read \(row.ownLog ? "/var/log/own.log" : "/jobs/x/log") on the node."))
    }
}
