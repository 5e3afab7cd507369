import FoundationEssentials
import Glibc
import Host
import Logging
import NodeModel
import ServiceLifecycle
import Support
import SystemPackage
import TestSupport
import Testing

@testable import Agent

/// The daemon follows the kernel log, and continues after a restart.
@Suite struct KernelLogWatcherTests {
    private let tree: TemporaryDirectory
    private let root: HostRoot
    private let gpu = PCIAddress(domain: 0, bus: 0x81, device: 0, function: 0)

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
        try tree.write("proc/sys/kernel/random/boot_id", "boot-1\n")
    }

    private func line(_ sequence: Int, _ text: String) -> String { "4,\(sequence),1000,-;\(text)\n" }
    private func xid(_ sequence: Int, _ code: Int) -> String {
        line(sequence, "NVRM: Xid (PCI:0000:81:00): \(code), x")
    }

    private func append(_ text: String) throws {
        let file = try FileDescriptor.open(tree.path("dev/kmsg"), .writeOnly, options: .append)
        _ = try file.closeAfter { try file.writeAll(text.utf8) }
    }

    /// Runs the watcher as the daemon does, until the body ends.
    private func watching(_ body: @escaping @Sendable (KernelLogWatcher.Progress) async throws -> Void) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let progress = KernelLogWatcher.Progress()
        let watcher = KernelLogWatcher(
            root: root,
            wakeUp: Bell(),
            progress: progress,
            pauseAfterFailure: .milliseconds(50),
            logger: logger
        )
        let group = ServiceGroup(configuration: .init(services: [watcher], logger: logger))
        async let running: Void = group.run()
        do { try await body(progress) } catch {
            await group.triggerGracefulShutdown()
            try await running
            throw error
        }
        await group.triggerGracefulShutdown()
        try await running
    }

    private func codes() async -> [Int] {
        ((try? await GPUHistoryStore(root: root).load())?.events ?? []).compactMap(\.code)
    }

    @Test func storesErrorsAndContinuesAfterARestart() async throws {
        try tree.write("dev/kmsg", line(0, "Linux version 6.18") + xid(1, 31))
        try await watching { progress in
            try await eventually("the first error") { await codes() == [31] && progress.isCurrent }
            try append(xid(2, 79) + line(3, "x"))
            try await eventually("the second error") { await codes() == [31, 79] }
        }
        let position = try #require(await KernelLogPositionFile(root: root).load())
        #expect(position == KernelLogPosition(boot: "boot-1", next: 4))
        let before = try await GPUHistoryStore(root: root).load()

        // While no agent runs, the log goes on, and the kernel overwrites a part of it.
        try tree.write("dev/kmsg", xid(2, 79) + xid(10, 119))
        try await watching { _ in try await eventually("the third error") { await codes() == [31, 79, 119] } }
        let after = try await GPUHistoryStore(root: root).load()
        #expect(Array(after.events.prefix(2)) == before.events)
        let gaps = try #require(await KernelLogPositionFile(root: root).load()).gaps
        #expect(gaps.map(\.records) == [6])
    }

    @Test func anotherBootBeginsAtItsFirstRecord() async throws {
        try tree.write("dev/kmsg", xid(5, 31))
        try await KernelLogPositionFile(root: root).save(KernelLogPosition(boot: "boot-0", next: 900))
        try await watching { _ in try await eventually("the error") { await codes() == [31] } }
    }

    @Test func aNodeWithoutErrorsGetsNoFileForThem() async throws {
        try tree.write("dev/kmsg", line(0, "x") + line(1, "NVRM: loading NVIDIA UNIX Open Kernel Module"))
        try await watching { progress in try await eventually("the log is read") { progress.isCurrent } }
        #expect(!tree.exists("var/lib/gpu-agent"))
        #expect(await KernelLogPositionFile(root: root).load()?.next == 2)
    }

    /// A command reads what the daemon has stored, and the log after it.
    @Test func aCommandSeesTheSameWithoutADaemon() async throws {
        try tree.write("dev/kmsg", xid(1, 31) + xid(2, 79))
        let reading = await GPUEventProbe(root: root, readsLog: true).facts(boot: .present("boot-1"))
        #expect(reading.value?.history.events.map(\.code) == [31, 79])
        #expect(!tree.exists("var/lib/gpu-agent"))
        try await watching { _ in try await eventually("the errors") { await codes() == [31, 79] } }
        let again = await GPUEventProbe(root: root, readsLog: true).facts(boot: .present("boot-1"))
        #expect(again.value?.history.events.map(\.count) == [1, 1])
        try tree.makeDirectory("dev/other")
        #expect(unlink(tree.path("dev/kmsg")) == 0)
        try tree.makeDirectory("dev/kmsg")
        let unreadable = await GPUEventProbe(root: root, readsLog: true).facts(boot: .present("boot-1"))
        #expect(unreadable.value?.logFailure?.contains("/dev/kmsg") == true)
        #expect(unreadable.value?.history.events.count == 2)
    }

    /// When the history cannot be written, nothing is lost, and each inspection reads the log itself.
    @Test func aHistoryThatCannotBeWrittenIsRetried() async throws {
        try tree.write("dev/kmsg", xid(1, 31))
        try tree.write("var/lib/gpu-agent", "a file in the place of the directory")
        try await watching { progress in
            try await Task.sleep(for: .milliseconds(300))
            #expect(!progress.isCurrent)
            #expect(await KernelLogPositionFile(root: root).load()?.next ?? 0 == 0)
            #expect(unlink(tree.path("var/lib/gpu-agent")) == 0)
            try append(line(2, "x"))
            try await eventually("the error is stored") { await codes() == [31] && progress.isCurrent }
        }
    }

    /// Whether the daemon needs another source depends on it.
    @Test func aLogThatCannotBeReadIsNotALogThatIsNotThere() async throws {
        try await watching { progress in
            try await eventually("the host has no log") { progress.state == .absent }
        }
        try tree.makeDirectory("dev/kmsg")
        try await watching { progress in
            try await eventually("the log cannot be read") { progress.state == .unreadable }
        }
    }

    /// The right to read the log can come back, and so can the log of another mount.
    @Test func aLogThatCanBeReadAgainIsFollowedAgain() async throws {
        try tree.makeDirectory("dev/kmsg")
        try await watching { progress in
            try await eventually("the log cannot be read") { progress.state == .unreadable }
            #expect(rmdir(tree.path("dev/kmsg")) == 0)
            try tree.write("dev/kmsg", xid(1, 79))
            try await eventually("the error is stored") { await codes() == [79] && progress.isCurrent }
        }
    }

    /// Most nodes have no error, and a log without a new record was read, too.
    @Test func aLogWithoutANewRecordIsCurrent() async throws {
        try tree.write("dev/kmsg", line(0, "x"))
        try await KernelLogPositionFile(root: root).save(KernelLogPosition(boot: "boot-1", next: 1))
        try await watching { progress in try await eventually("the log is read") { progress.isCurrent } }
    }

    @Test func aPersonClearsTheErrorsOfAGPU() async throws {
        try tree.write("dev/kmsg", xid(1, 54) + line(2, "NVRM: Xid (PCI:0000:41:00): 54, x"))
        let prober = try Prober(Settings(hostRoot: tree.path, hostPID: nil))
        let cleared = try await prober.clearErrors(of: "0000:81:00.0", reason: "cable", user: "ada")
        #expect(cleared.map(\.address) == [gpu])
        let events = try await GPUHistoryStore(root: root).load().events
        #expect(events.map { $0.end?.reason } == ["cable", nil] && events[0].end?.user == "ada")
        #expect(try await prober.clearErrors(of: "0000:81:00.0", reason: "again", user: "ada").isEmpty)
        #expect(try await prober.clearErrors(of: "GPU-unknown", reason: "again", user: "ada").isEmpty)
        let facts = await prober.look().facts
        #expect(facts.gpuEvents.value?.history.events.map(\.address.bus) == [0x41])
    }
}
