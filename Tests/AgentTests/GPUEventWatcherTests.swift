import Catalog
import Glibc
import Host
import Logging
import NodeModel
import ServiceLifecycle
import Support
import Synchronization
import TestSupport
import Testing
import VendorProbe

@testable import Agent

/// When the daemon waits for the events of NVML, and what it makes of them.
@Suite(.timeLimit(.minutes(2)))
struct GPUEventWatcherTests {
    /// In place of the child process: hands out lines, and knows how often it runs.
    private final class Child: Sendable {
        typealias Take = @Sendable (NVMLEventLine) -> Void
        private let take = Mutex<Take?>(nil)
        private let starts = Mutex(0)
        let end: NVMLEventEnd?
        /// Whether the process begins to wait before it ends.
        let begins: Bool

        init(endsWith end: NVMLEventEnd? = nil, begins: Bool = false) { (self.end, self.begins) = (end, begins) }

        var isRunning: Bool { take.withLock { $0 != nil } }
        var startCount: Int { starts.withLock(\.self) }

        func say(_ line: NVMLEventLine) { take.withLock(\.self)?(line) }

        func run(_ take: @escaping Take) async -> NVMLEventEnd {
            starts.withLock { $0 += 1 }
            if begins || end == nil {
                take(NVMLEventLine(sources: [NVMLEventLine.Source(index: 0, address: Self.gpu)]))
            }
            if let end { return end }
            self.take.withLock { $0 = take }
            defer { self.take.withLock { $0 = nil } }
            while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(10)) }
            return .cancelled
        }

        static let gpu = PCIAddress(domain: 0, bus: 0x81, device: 0, function: 0)
    }

    private let tree: TemporaryDirectory
    private let root: HostRoot
    private let kernelLog = KernelLogWatcher.Progress()
    private let progress = GPUEventWatcher.Progress()
    private let wakeUp = Bell()

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
        try tree.write("proc/sys/kernel/random/boot_id", "boot-1\n")
    }

    /// Runs the watcher as the daemon does, until the body ends.
    private func watching(
        _ child: Child,
        _ use: NVMLEventUse = .on,
        log: KernelLogWatcher.Progress.State = .current,
        gpus: @escaping @Sendable () -> [PCIAddress: String] = { [Child.gpu: "GPU-1"] },
        isChanging: @escaping @Sendable () async -> Bool = { false },
        pauseAfterFailure: Duration = .seconds(60),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        kernelLog.state = log
        let watcher = GPUEventWatcher(
            root: root,
            use: use,
            kernelLog: kernelLog,
            progress: progress,
            gpus: gpus,
            isChanging: isChanging,
            wait: { await child.run($0) },
            wakeUp: wakeUp,
            pauseAfterFailure: pauseAfterFailure,
            logger: logger
        )
        let group = ServiceGroup(configuration: .init(services: [watcher], logger: logger))
        async let running: Void = group.run()
        do { try await body() } catch {
            await group.triggerGracefulShutdown()
            try await running
            throw error
        }
        await group.triggerGracefulShutdown()
        try await running
        #expect(!child.isRunning && !progress.isWaiting)
    }

    private func events() async -> [GPUEvent] { (try? await GPUHistoryStore(root: root).load())?.events ?? [] }

    private func xid(_ code: Int) -> NVMLEventLine {
        NVMLEventLine(event: NVMLEvent(kind: .xid, address: Child.gpu, uuid: "GPU-1", code: code))
    }

    @Test(
        arguments: [
            (.auto, .starting, false), (.auto, .current, false), (.auto, .failing, false), (.auto, .absent, false),
            (.auto, .unreadable, true), (.on, .starting, false), (.on, .current, true), (.on, .failing, true),
            (.on, .absent, true), (.on, .unreadable, true), (.off, .unreadable, false), (.off, .current, false),
        ] as [(NVMLEventUse, KernelLogWatcher.Progress.State, Bool)]
    )
    func theLogDecides(_ use: NVMLEventUse, _ log: KernelLogWatcher.Progress.State, _ isWanted: Bool) {
        #expect(use.isWanted(log) == isWanted)
    }

    @Test func anXidIsStoredAndWakesTheReconciler() async throws {
        let child = Child()
        try await watching(child) {
            try await eventually("the process runs") { child.isRunning && progress.isWaiting }
            child.say(xid(79))
            for await _ in wakeUp.calls { break }
            let events = await events()
            #expect(events.map(\.code) == [79] && events[0].source == .nvml && events[0].boot == "boot-1")
        }
    }

    /// The UUIDs of MIG devices are read anew, and the recovery action is a fact that NVML tells.
    @Test(arguments: [NVMLEvent.Kind.migChange, .xid]) func otherEventsOnlyWakeTheReconciler(
        _ kind: NVMLEvent.Kind
    ) async throws {
        let child = Child()
        try await watching(child) {
            try await eventually("the process runs") { child.isRunning }
            let code = kind == .xid ? 154 : nil
            child.say(NVMLEventLine(event: NVMLEvent(kind: kind, address: Child.gpu, code: code)))
            for await _ in wakeUp.calls { break }
            #expect(!tree.exists("var/lib/gpu-agent"))
        }
    }

    /// The process holds the device nodes of the driver.
    @Test func aChangeOfTheHostEndsTheProcess() async throws {
        let child = Child()
        try await watching(child) {
            try await eventually("the process runs") { child.isRunning }
            let lock = try await HostLock.acquire(on: root, deadline: .seconds(5), as: "gpu-agent install")
            let began = ContinuousClock.now
            try await eventually("the process ends") { !child.isRunning && !progress.isWaiting }
            // Whoever takes the lock waits 20 seconds for it.
            #expect(ContinuousClock.now - began < .seconds(15))
            lock.release()
            try await eventually("the process runs again") { child.isRunning && child.startCount == 2 }
        }
    }

    @Test func nothingStartsDuringAChange() async throws {
        let child = Child()
        let isChanging = Mutex(true)
        try await watching(child, isChanging: { isChanging.withLock(\.self) }) {
            try await Task.sleep(for: .milliseconds(300))
            #expect(child.startCount == 0)
            isChanging.withLock { $0 = false }
            try await eventually("the process runs") { child.isRunning }
        }
    }

    @Test func otherGPUsNeedANewProcess() async throws {
        let child = Child()
        let gpus = Mutex<[PCIAddress: String]>([:])
        try await watching(child, gpus: { gpus.withLock(\.self) }) {
            try await Task.sleep(for: .milliseconds(300))
            #expect(child.startCount == 0)
            gpus.withLock { $0 = [Child.gpu: "GPU-1"] }
            try await eventually("the process runs") { child.isRunning }
            gpus.withLock { $0 = [Child.gpu: "GPU-2"] }
            try await eventually("another process runs") { child.isRunning && child.startCount == 2 }
        }
    }

    /// A reset fails while a process has the GPU open.
    @Test func aGPUThatMustBeResetIsNotHeldOpen() throws {
        func gpus(_ action: String) throws -> [PCIAddress: String] {
            var gpu = GPUFacts.h100
            gpu.traits[.recoveryAction] = .present(.text(action))
            let facts = NodeFacts.h100Ready.with { $0.vendor = .answering("595.71.05", gpus: [gpu]) }
            return NodeView(Setup(catalog: Catalog(), policy: Policy()), facts: facts, journal: nil).gpusForEvents
        }
        #expect(try gpus("none").count == 1)
        #expect(try gpus("gpu-reset").isEmpty)
    }

    @Test func whoCannotSeeTheLockWaitsForNothing() async throws {
        let child = Child()
        // Nobody can open a directory as a lock.
        try tree.makeDirectory(String(HostLock.path.text.dropFirst()))
        try await watching(child) {
            try await Task.sleep(for: .milliseconds(300))
            #expect(child.startCount == 0)
        }
    }

    /// The kernel log says more, so nothing keeps the device nodes open once it can be read.
    @Test func aLogThatIsReadAgainEndsTheProcess() async throws {
        let child = Child()
        try await watching(child, .auto, log: .unreadable) {
            try await eventually("the process runs") { child.isRunning }
            kernelLog.state = .current
            try await eventually("the process ends") { !child.isRunning && !progress.isWaiting }
        }
    }

    @Test(arguments: [NVMLEventUse.auto, .off]) func aLogThatIsReadIsEnough(_ use: NVMLEventUse) async throws {
        let child = Child()
        try await watching(child, use) {
            try await Task.sleep(for: .milliseconds(300))
            #expect(child.startCount == 0)
        }
    }

    @Test(arguments: [NVMLEventEnd.unsupported("no function"), .failed(ReadFailure(.hang, "a call"))])
    func aProcessThatFailsIsNotStartedAgainAtOnce(_ end: NVMLEventEnd) async throws {
        let child = Child(endsWith: end)
        try await watching(child) {
            try await eventually("the process ran") { child.startCount == 1 }
            try await Task.sleep(for: .milliseconds(1500))
            #expect(child.startCount == 1)
        }
    }

    /// Who reads the log sees each failure of a process that worked, and not each attempt of one that never does.
    @Test(arguments: [(begins: true, warnings: 3), (false, 1)])
    func aFailureAfterATimeThatWorkedIsANewOne(_ begins: Bool, _ warnings: Int) async throws {
        let (child, lines) = (Child(endsWith: .failed(ReadFailure(.hang, "a call")), begins: begins), LogLines())
        let logger = Logger(label: "test") { _ in lines }
        try await watching(child, pauseAfterFailure: .milliseconds(10), logger: logger) {
            try await eventually("the process ran") { child.startCount >= 4 }
            let found = lines.all.count { $0.hasPrefix("warning cannot wait for the events of NVML") }
            #expect(begins ? found >= warnings : found == warnings)
        }
    }

    /// The log of the kernel cannot be read: the daemon says which other source it uses.
    @Test func theFactsSayThatNVMLIsUsed() async throws {
        try tree.makeDirectory("dev/kmsg")
        for hears in [true, false] {
            let probe = GPUEventProbe(root: root, readsLog: true, hearsNVML: hears)
            let facts = await probe.facts(boot: "boot-1")
            #expect(facts.logFailure != nil && facts.usesNVML == (hears ? true : nil))
        }
    }
}
