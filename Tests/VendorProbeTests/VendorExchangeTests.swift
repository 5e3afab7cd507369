import FoundationEssentials
import Glibc
import NodeModel
import Support
import Testing

@testable import VendorProbe

/// Children that do not follow the protocol: what the agent reports, and that it leaves nothing behind.
///
/// The children are shell scripts.
@Suite struct VendorExchangeTests {
    private static let hello = #"read q; echo '{"id":1,"reading":{"state":"present","value":{"protocolVersion":2}}}';"#

    private func ask(
        _ script: String,
        in directory: String = "/",
        deadlines: VendorProber.Deadlines = VendorProber.Deadlines(),
        cancellation: Cancellation? = nil,
        abandoned: AbandonedChildren = AbandonedChildren()
    ) throws -> Reading<CUDAFacts> {
        let exchange = VendorExchange(
            program: "/bin/sh",
            arguments: ["-c", "cd \(directory); \(script)"],
            environment: ["PATH=/usr/bin:/bin"],
            deadlines: deadlines,
            cancellation: try cancellation ?? Cancellation(),
            abandoned: abandoned
        )
        return exchange.ask(.cuda, about: "CUDA", within: deadlines.cuda)
    }

    @Test(arguments: [
        ("echo nonsense", ReadFailure.Reason.malformed, "nonsense"),
        (#"echo '{"id":3,"reading":{"state":"absent"}}'"#, .malformed, "ID 3, expected 2"),
        (#"printf '{"id":2,"read'"#, .malformed, "is incomplete"),
        (#"printf '{"id":2,"read'; kill -9 $$"#, .crashed, "signal 9"),
        (#"echo '{"id":2,"reading":{"state":"present","value":{"result":"none"}}}'"#, .malformed, "not as expected"),
        ("head -c 10000000 /dev/zero | tr '\\0' x; echo", .malformed, "longer than 1 MiB"),
        ("true", .crashed, "status 0"),
        ("echo out of luck >&2; exit 3", .crashed, "status 3: out of luck"),
    ])
    func aWrongAnswerIsAReading(script: String, reason: ReadFailure.Reason, words: String) throws {
        let failure = try ask("\(Self.hello) read q; \(script)").failure
        #expect(failure?.reason == reason)
        #expect(failure?.detail.contains(words) == true, "\(failure?.detail ?? "no failure")")
    }

    @Test func aRightAnswerIsTaken() throws {
        let reading = try ask(#"\#(Self.hello) read q; echo '{"id":2,"reading":{"state":"absent"}}'"#)
        #expect(reading == .absent)
    }

    @Test func aChildOfAnotherProtocolIsNotAsked() throws {
        let reading = try ask(#"read q; echo '{"id":1,"reading":{"state":"present","value":{"protocolVersion":3}}}'"#)
        let detail = "the child process uses protocol version 3, expected 2"
        #expect(reading == .unreadable(ReadFailure(.malformed, detail)))
    }

    @Test func aProgramThatIsNotThereIsNamed() throws {
        let exchange = VendorExchange(
            program: "/nowhere/gpu-agent",
            arguments: [],
            environment: [],
            deadlines: VendorProber.Deadlines(),
            cancellation: try Cancellation()
        )
        let reading: Reading<CUDAFacts> = exchange.ask(.cuda, about: "CUDA", within: .seconds(1))
        #expect(
            reading == .unreadable(ReadFailure(.command, "cannot start /nowhere/gpu-agent: No such file or directory"))
        )
    }

    @Test func aChildThatDoesNotStartInTimeIsNoHangOfTheDriver() throws {
        var deadlines = VendorProber.Deadlines()
        deadlines.hello = .milliseconds(200)
        let failure = try ask("exec sleep 600", deadlines: deadlines).failure
        #expect(failure == ReadFailure(.command, "the agent's child process did not start within 0.2 seconds"))
    }

    @Test func aChildThatOnlyTalksOnStandardErrorStillMeetsTheDeadline() throws {
        var deadlines = VendorProber.Deadlines()
        deadlines.cuda = .milliseconds(300)
        #expect(try ask("\(Self.hello) exec yes >&2", deadlines: deadlines).failure?.reason == .hang)
    }

    /// A library that calls in a loop has the agent read notes, and still meets the deadline.
    @Test func aChildThatSendsNotesWithoutEndStillMeetsTheDeadline() throws {
        var deadlines = VendorProber.Deadlines()
        deadlines.cuda = .milliseconds(300)
        let failure = try ask("\(Self.hello) exec yes '~cuInit'", deadlines: deadlines).failure
        #expect(failure?.reason == .hang)
        #expect(failure?.detail.hasPrefix("CUDA: cuInit did not return within 0.3 seconds") == true)
    }

    @Test func aChildThatClosesItsOutputIsNotWaitedForLong() throws {
        var deadlines = VendorProber.Deadlines()
        deadlines.ending = .milliseconds(200)
        let failure = try ask("\(Self.hello) read q; exec sleep 600 <&- >&-", deadlines: deadlines).failure
        #expect(failure == ReadFailure(.crashed, "the child process for CUDA closed its output"))
    }

    @Test func aHelperThatKeepsTheChannelOpenIsKilledWithTheChild() async throws {
        var deadlines = VendorProber.Deadlines()
        deadlines.cuda = .milliseconds(500)
        try await Toolbox.withDirectory { directory in
            let script = "\(Self.hello) sleep 600 & echo $! > helper; wait"
            #expect(try ask(script, in: directory, deadlines: deadlines).failure?.reason == .hang)
            let helper = try Toolbox.read("\(directory)/helper").trimmed
            // Nobody here is its parent: the machine's first process reaps it.
            #expect(try await Toolbox.eventually { !isAlive(helper) })
        }
    }

    @Test func theChildGetsNoDescriptorOfTheAgent() async throws {
        try await Toolbox.withDirectory { directory in
            // Without O_CLOEXEC, as a careless library opens files.
            let stray = open("/dev/null", O_RDONLY)
            defer { close(stray) }
            _ = try ask("ls -l /proc/self/fd > descriptors", in: directory)
            let links = try Toolbox.read("\(directory)/descriptors").matches(of: /(\d+) -> (.*)/)
            // The directory that ls lists is its own.
            let inherited = links.filter { !$0.2.hasPrefix("/proc/") }
            #expect(inherited.map(\.1) == ["0", "1", "2"])
        }
    }

    @Test func noZombieIsLeft() async throws {
        for script in ["true", "kill -9 $$", "exec sleep 600"] {
            var deadlines = VendorProber.Deadlines()
            deadlines.cuda = .milliseconds(300)
            try await Toolbox.withDirectory { directory in
                _ = try ask("echo $$ > pid; \(Self.hello) \(script)", in: directory, deadlines: deadlines)
                let pid = try Toolbox.read("\(directory)/pid").trimmed
                #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"), "\(script)")
            }
        }
    }

    @Test func aChildThatDoesNotDieInTimeIsReapedLater() async throws {
        var deadlines = VendorProber.Deadlines()
        deadlines.cuda = .milliseconds(300)
        // As with a process that cannot be killed: it is left before it has died, unless this process must wait meanwhile.
        deadlines.ending = .zero
        try await Toolbox.withDirectory { directory in
            let script = "echo $$ > pid; \(Self.hello) exec sleep 600"
            let abandoned = AbandonedChildren()
            var failure: ReadFailure?
            for _ in 1...10 where failure?.detail.hasSuffix("; the child process cannot be killed") != true {
                failure = try ask(script, in: directory, deadlines: deadlines, abandoned: abandoned).failure
            }
            #expect(failure?.reason == .hang)
            #expect(failure?.detail.hasSuffix("; the child process cannot be killed") == true)
            let pid = try Toolbox.read("\(directory)/pid").trimmed
            #expect(try await Toolbox.eventually { !FileManager.default.fileExists(atPath: "/proc/\(pid)") })
            #expect(try await Toolbox.eventually { abandoned.count == 0 })
        }
    }

    /// Processes that cannot be killed keep their memory, so their number has a limit.
    @Test func noChildIsStartedWhileTooManyAreStuck() async throws {
        let abandoned = AbandonedChildren()
        for process in 1...AbandonedChildren.limit { abandoned.add(pid_t(process)) }
        try await Toolbox.withDirectory { directory in
            let failure = try ask("echo $$ > pid", in: directory, abandoned: abandoned).failure
            let detail = "CUDA: not called, because 8 child processes hang in the driver and cannot be killed"
            #expect(failure == ReadFailure(.hang, detail))
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/pid"))
            abandoned.remove(1)
            _ = try ask("echo $$ > pid", in: directory, abandoned: abandoned)
            #expect(FileManager.default.fileExists(atPath: "\(directory)/pid"))
        }
    }

    @Test func cancellingEndsTheProbe() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu + "fault nvmlInit_v2 hang\n") { host in
            let (prober, root) = (host.prober(), host.root)
            let probe = Task { await prober.facts() }
            let isRunning = try await Toolbox.eventually { !Toolbox.processes(mentioning: root).isEmpty }
            #expect(isRunning)
            probe.cancel()
            #expect(await probe.value.nvml == .skipped("the probe was canceled"))
            #expect(host.isTidy)
        }
    }

    @Test func aHangingChildEndsWhenTheAgentIsGone() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu + "fault nvmlInit_v2 hang\n") { host in
            let child = try VendorProcess(
                program: Toolbox.agent,
                arguments: ["vendor-probe", "--nvml", host.nvml],
                environment: [],
                cancellation: try Cancellation()
            )
            child.send(try vendorLine(VendorRequest(id: 1, method: .nvml)))
            guard case .line(let note) = child.line(before: .now + .seconds(60)) else {
                Issue.record("the child did not begin")
                return
            }
            #expect(VendorNote(note)?.call == VendorCall(symbol: "nvmlInit_v2", gpu: nil))
            guard case .timedOut = child.line(before: .now + .milliseconds(500)) else {
                Issue.record("the child answered")
                return
            }
            // Closes the channel as the agent's death does, and does not kill. The child ends its whole group.
            #expect(child.end(kill: false, patience: .seconds(60)) == .signalled(SIGKILL))
        }
    }

    @Test func aHelperOfTheLibraryEndsWithTheChild() async throws {
        for (answer, isAnswered) in [
            (#"echo '{"id":2,"reading":{"state":"absent"}}'"#, true), ("kill -SEGV $$", false), ("exit 3", false),
        ] {
            try await Toolbox.withDirectory { directory in
                // The helper keeps none of the descriptors of the child.
                let helper = "sleep 600 < /dev/null > /dev/null 2>&1 & echo $! > helper;"
                let reading = try ask("\(Self.hello) \(helper) read q; \(answer)", in: directory)
                #expect((reading == .absent) == isAnswered, "\(answer)")
                let helperID = try Toolbox.read("\(directory)/helper").trimmed
                #expect(try await Toolbox.eventually { !isAlive(helperID) }, "\(answer)")
            }
        }
    }

    @Test(arguments: ["fork", "hang"])
    func aHelperEndsWithTheChildWhenTheAgentIsGone(fault: String) async throws {
        let faults = "fault nvmlInit_v2 fork\nfault nvmlDeviceGetName \(fault)\n"
        try await StandInHost.with(hardware: StandInHost.vgpu + faults) { host in
            let child = try VendorProcess(
                program: Toolbox.agent,
                arguments: ["vendor-probe", "--nvml", host.nvml],
                environment: ["PATH=/usr/bin:/bin"],
                cancellation: try Cancellation()
            )
            child.send(try vendorLine(VendorRequest(id: 1, method: .nvml)))
            let isRunning = try await Toolbox.eventually { !helpers(of: child.pid).isEmpty }
            #expect(isRunning)
            // The death of the agent closes the channel and kills nothing.
            child.closeChannel()
            #expect(try await Toolbox.eventually { helpers(of: child.pid).isEmpty })
            child.end(kill: false, patience: .seconds(60))
        }
    }
}

/// The living processes of a group that are not its leader.
private func helpers(of group: pid_t) -> [String] {
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return processes.filter { process in
        guard Int(process) != nil, process != "\(group)", isAlive(process),
            let status = try? Toolbox.read("/proc/\(process)/stat"), let name = status.lastIndex(of: ")")
        else { return false }
        let fields = status[status.index(after: name)...].split(separator: " ")
        return fields.count > 2 && fields[2] == "\(group)"
    }
}

private func isAlive(_ pid: String) -> Bool {
    guard let status = try? Toolbox.read("/proc/\(pid)/stat") else { return false }
    return !status.contains(") Z ")
}

extension String {
    fileprivate var trimmed: String { String(prefix { !$0.isNewline }) }
}
