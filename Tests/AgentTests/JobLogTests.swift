import Host
import NodeModel
import Testing

@testable import Agent

/// What the logs of a job that failed say about the cause.
@Suite struct JobLogTests {
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

    /// The memory limit of the job, or that of the node, ends the largest program.
    @Test(arguments: [
        "gcc-12: fatal error: Killed signal terminated program cc1",
        "collect2: fatal error: ld terminated with signal 9 [Killed]",
        "make[2]: *** [scripts/Makefile.modfinal:61: nvidia.ko] Killed",
    ])
    func aProgramThatTheKernelKilledIsNamed(_ line: String) {
        let failure = StepFailure(.installerFailed, subject: "the installer")
        let job = Effect.Job(name: "x", command: ["true"], log: "/own.log")
        let log = JobLog(of: job, output: "/out", failure: failure)
        let own = "-> Building\n\(line)\nERROR: Installation has failed.\n"
        let problem = log.problem(.finished(status: 1), ownLog: own, output: "")
        #expect(problem.observed == "the installer exited with status 1: \(line): Installation has failed.")
        #expect(problem.remedy.text.hasPrefix("The kernel killed a program of the build, usually because no memory"))
    }

    @Test(arguments: [
        "", "Consult", "Consult /var/lib/dkms/", "Consult /var/lib/dkms/nvidia/1/build/other.log",
        "Consult /etc/dkms/make.log for more", "Consult /var/lib/dkms/../../etc/x/make.log for more",
    ])
    func onlyALogOfDKMSIsRead(_ text: String) {
        #expect(JobLog.buildLog(namedIn: text) == nil)
    }
}
