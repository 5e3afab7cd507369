import FoundationEssentials
import Glibc
import NodeModel
import Testing

@testable import VendorProbe

/// The processes of agents that were killed and do not end, whichever agent started them.
@Suite struct KilledProcessesTests {
    /// What `/proc` shows of a process.
    struct Process: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var name = "gpu-agent"
        var state = "D"
        var flags = 0x404100
        var threads = 1
        var user = geteuid()
        var pending: UInt64 = 0
        var shared: UInt64 = 0x100
        var isStuck = true

        init(_ name: String, isStuck: Bool, _ change: (inout Process) -> Void = { _ in }) {
            testDescription = name
            self.isStuck = isStuck
            change(&self)
        }

        var stat: String {
            "42 (\(name)) \(state) 1 42 42 0 -1 \(flags) 9 0 0 0 0 0 0 0 20 0 \(threads) 0 77 4096 12 18446744073709551615\n"
        }

        var status: String {
            """
            Name:\t\(name)
            State:\t\(state) (disk sleep)
            Uid:\t1\t\(user)\t1\t1
            Threads:\t\(threads)
            SigPnd:\t\(String(pending, radix: 16))
            ShdPnd:\t\(String(shared, radix: 16))

            """
        }
    }

    static let processes = [
        Process("killed, and waits in the driver", isStuck: true),
        Process("killed, and loops in the driver", isStuck: true) { $0.state = "R" },
        Process("only its main thread was told", isStuck: true) { ($0.pending, $0.shared) = ($0.shared, 0) },
        Process("ends, and waits for the driver to close its files", isStuck: true) {
            ($0.flags, $0.shared) = (0x404104, 0)
        },
        Process("its main thread ended, and another one is stuck", isStuck: true) { ($0.state, $0.threads) = ("Z", 2) },
        Process("ended, and nobody has read its exit status", isStuck: false) { $0.state = "Z" },
        Process("not killed", isStuck: false) { $0.shared = 0 },
        Process("another signal", isStuck: false) { $0.shared = 0x4002 },
        Process("of another user", isStuck: false) { $0.user = geteuid() + 1 },
    ]

    @Test(arguments: processes)
    func countWhenTheyDoNotEnd(_ process: Process) {
        #expect(
            KilledProcesses.isStuck(stat: process.stat, status: process.status, user: geteuid()) == process.isStuck
        )
    }

    @Test(arguments: ["", "42 gpu-agent D 1", "42 (gpu-agent) D 1 42", "42 (gpu-agent) D 1 42 42 0 -1 x 9 0 0"])
    func anUnknownFormIsNoStuckProcess(stat: String) {
        #expect(!KilledProcesses.isStuck(stat: stat, status: Process("", isStuck: true).status, user: geteuid()))
    }

    private func add(_ number: Int, _ process: Process = Process("killed", isStuck: true), to proc: String) throws {
        try Toolbox.write("\(process.name)\n", to: "\(proc)/\(number)/comm")
        try Toolbox.write(process.stat, to: "\(proc)/\(number)/stat")
        try Toolbox.write(process.status, to: "\(proc)/\(number)/status")
    }

    @Test func areFoundByTheirName() async throws {
        try await Toolbox.withDirectory { proc in
            try add(41, to: proc)
            try add(42, Process("", isStuck: false) { $0.shared = 0 }, to: proc)
            try add(43, Process("", isStuck: false) { $0.name = "python3" }, to: proc)
            try Toolbox.write("gpu-agent\n", to: "\(proc)/44/comm")
            try Toolbox.write("1 2 3\n", to: "\(proc)/loadavg")
            #expect(KilledProcesses(proc: proc).all() == [41])
            #expect(KilledProcesses(proc: "\(proc)/nowhere").all().isEmpty)
        }
    }

    /// Each call of a command and each restart of the agent could leave processes behind.
    @Test func thoseOfOtherAgentsAreInTheLimit() async throws {
        try await Toolbox.withDirectory { proc in
            let abandoned = AbandonedChildren(proc: proc)
            for number in 1...AbandonedChildren.limit { try add(number, to: proc) }
            abandoned.look()
            #expect(abandoned.count == AbandonedChildren.limit)
            // One of them is of this agent, and counts once.
            abandoned.add(1)
            abandoned.look()
            #expect(abandoned.count == AbandonedChildren.limit)
            try FileManager.default.removeItem(atPath: "\(proc)/2")
            abandoned.look()
            abandoned.remove(1)
            #expect(abandoned.count == AbandonedChildren.limit - 2)
        }
    }

    @Test func noChildIsStartedWhileThoseOfOtherAgentsAreStuck() async throws {
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            let proc = "\(host.root)/proc"
            for number in 1...AbandonedChildren.limit { try add(number, to: proc) }
            let prober = VendorProber(
                program: Toolbox.agent,
                libraries: VendorLibraries(nvml: host.nvml, cuda: host.cuda),
                companions: [],
                scratch: host.root,
                abandoned: AbandonedChildren(proc: proc)
            )
            let detail = "NVML: not called, because 8 child processes hang in the driver and cannot be killed"
            #expect(await prober.facts().nvml == .unreadable(ReadFailure(.hang, detail)))
            try FileManager.default.removeItem(atPath: "\(proc)/1")
            #expect(await prober.facts().nvml.value?.gpus.count == 1)
        }
    }

    /// The kernel names a process after its file, which is `exe` for `/proc/self/exe`.
    @Test func aChildHasTheName() async throws {
        try await Toolbox.withDirectory { directory in
            try FileManager.default.createSymbolicLink(atPath: "\(directory)/exe", withDestinationPath: Toolbox.agent)
            let child = try VendorProcess(
                program: "\(directory)/exe",
                arguments: ["vendor-probe"],
                environment: [],
                cancellation: try Cancellation()
            )
            defer { child.end(kill: true, patience: .seconds(60)) }
            let name = { try? Toolbox.read("/proc/\(child.pid)/comm") }
            #expect(try await Toolbox.eventually { name() == KilledProcesses.name + "\n" })
        }
    }
}
