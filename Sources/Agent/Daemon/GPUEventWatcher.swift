import Health
import Host
import Logging
import NodeModel
import ServiceLifecycle
import Support
import Synchronization
import VendorProbe

/// Waits for the events of NVML in a child process, stores the Xids on the host, and wakes the reconciler.
///
/// The child process has the device nodes of the driver open, which is in the way of every change of the driver and of
/// MIG. So it ends when a process takes the lock of the host, and it starts when nobody has it.
struct GPUEventWatcher: Service {
    /// Whether the child process waits for events now.
    final class Progress: Sendable {
        private let mutex = Mutex(false)
        var isWaiting: Bool {
            get { mutex.withLock(\.self) }
            set { mutex.withLock { $0 = newValue } }
        }
    }

    /// Runs the child process until the task is canceled, or until the process ends.
    typealias Wait = @Sendable (_ take: @escaping @Sendable (NVMLEventLine) -> Void) async -> NVMLEventEnd

    let root: HostRoot
    let use: NVMLEventUse
    let kernelLog: KernelLogWatcher.Progress
    let progress: Progress
    /// The GPUs that NVML listed at the last inspection; empty when NVML does not work, and while a GPU must be reset.
    let gpus: @Sendable () -> [PCIAddress: String]
    /// Whether a process or a job changes the host.
    let isChanging: @Sendable () async -> Bool
    let wait: Wait
    let wakeUp: Bell
    /// The time until the next attempt after a failure.
    var pauseAfterFailure = Duration.seconds(60)
    let logger: Logger

    /// How often the watcher looks whether the child process may start.
    private static let pause = Duration.seconds(1)
    /// How often the watcher looks whether the child process must end.
    ///
    /// Whoever changes the host waits until it has ended (`HostChange.patienceWithAgents`).
    private static let lockPause = Duration.milliseconds(250)
    /// The time until the next attempt when the GPUs or the driver have no events.
    private static let pauseWithoutEvents = Duration.seconds(3600)

    func run() async throws {
        if use != .off { await cancelWhenGracefulShutdown { await watch() } }
        // The service group ends when one of its services ends.
        try? await gracefulShutdown()
    }

    private func watch() async {
        var failures = 0
        while !Task.isCancelled {
            var pause = Self.pause
            if await mayWait() {
                let (end, hasWaited) = await follow()
                // A failure after a time that worked is another one.
                if hasWaited { failures = 0 }
                switch end {
                case .cancelled: failures = 0
                case .failed(let failure):
                    failures += 1
                    pause = pauseAfterFailure
                    // The same failure each minute says nothing new.
                    logger.log(
                        level: failures == 1 ? .warning : .debug,
                        "cannot wait for the events of NVML",
                        metadata: ["error": "\(failure.detail)"]
                    )
                case .unsupported(let why):
                    pause = Self.pauseWithoutEvents
                    logger.notice("NVML reports no events on this node", metadata: ["why": "\(why)"])
                }
            }
            try? await Task.sleep(for: pause)
        }
    }

    private func mayWait() async -> Bool {
        guard use.isWanted(kernelLog.state), !gpus().isEmpty, await isLockFree() else { return false }
        return await !isChanging()
    }

    /// Waits for events until something changes the host, until NVML lists other GPUs, or until the kernel log is enough.
    ///
    /// - Returns: Why it no longer waits, and whether it waited at all.
    private func follow() async -> (end: NVMLEventEnd, hasWaited: Bool) {
        guard let boot = await HostProbe(root: root, commands: nil).bootID().value else {
            return (.failed(ReadFailure(.io, "the boot of the node is not known")), false)
        }
        let (inbox, listed) = (NVMLEventInbox(), gpus())
        let end = await withTaskGroup(of: NVMLEventEnd?.self) { group in
            group.addTask {
                await wait { line in
                    if line.sources != nil { began(line) }
                    if let event = line.event { inbox.put(event, at: Timestamp(now())) }
                }
            }
            group.addTask {
                await holdOut(with: listed)
                return nil
            }
            group.addTask {
                await store(all: inbox, boot)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            for await _ in group {}
            return first ?? .cancelled
        }
        let hasWaited = progress.isWaiting
        progress.isWaiting = false
        do throws(HostError) { try await store(inbox.take(), boot) } catch { warn(error) }
        return (end, hasWaited)
    }

    private func began(_ line: NVMLEventLine) {
        progress.isWaiting = true
        let sources = line.sources ?? []
        logger.info(
            "waits for the events of NVML",
            metadata: [
                "gpus": "\(sources.count { $0.failure == nil })",
                "without": "\(sources.compactMap { source in source.failure.map { "\(source.name): \($0)" } })",
            ]
        )
    }

    /// Returns when the child process must end.
    private func holdOut(with listed: [PCIAddress: String]) async {
        while !Task.isCancelled {
            // The kernel log can be read again, and says more.
            guard use.isWanted(kernelLog.state) else { return }
            guard await isLockFree() else { return }
            if gpus() != listed { return }
            try? await Task.sleep(for: Self.lockPause)
        }
    }

    /// Whether certainly nobody has the lock.
    ///
    /// Without the right to see it, an agent with more rights could have it.
    private func isLockFree() async -> Bool {
        if case .absent = await HostLock.holder(on: root) { true } else { false }
    }

    private func store(all inbox: NVMLEventInbox, _ boot: String) async {
        var isFailing = false
        for await _ in inbox.bell.calls {
            let entries = inbox.take()
            do throws(HostError) {
                try await store(entries, boot)
                isFailing = false
            } catch {
                if !isFailing { warn(error) }
                isFailing = true
                // What needs no storing woke the reconciler already.
                inbox.putBack(entries.filter { $0.event.kind == .xid && $0.event.code != GPUEvent.recoveryCode })
            }
            // One write of the history each second, however many events there are.
            try? await Task.sleep(for: Self.pause)
        }
    }

    private func warn(_ error: HostError) {
        logger.warning("cannot store the errors of the GPUs", metadata: ["error": "\(errorChain(error))"])
    }

    /// Stores the Xids, and wakes the reconciler for what it must look at.
    private func store(_ entries: [NVMLEventInbox.Entry], _ boot: String) async throws(HostError) {
        // The UUIDs of MIG devices are read anew. An Xid 154 is not stored, but the recovery action is read.
        if entries.contains(where: { $0.event.kind == .migChange || $0.event.code == GPUEvent.recoveryCode }) {
            wakeUp.ring()
        }
        let xids = entries.filter { $0.event.kind == .xid }
        guard !xids.isEmpty else { return }
        let isNews = try await GPUHistoryStore(root: root).update { history in
            let stored = history
            var isNews = false
            for xid in xids {
                let isNew = history.add(xid.event, boot: boot, at: xid.at)
                isNews = isNews || isNew
            }
            // A node without an error needs no file.
            if history.events.isEmpty { history = stored }
            return isNews
        }
        if isNews { wakeUp.ring() }
    }
}

extension NVMLEventUse {
    /// Whether the daemon wants the events of NVML, from what it knows about the kernel log.
    ///
    /// Before the log was read once, a load of the driver in it could look as if it came after an event.
    func isWanted(_ log: KernelLogWatcher.Progress.State) -> Bool {
        switch self {
        case .auto: log == .unreadable
        case .on: log != .starting
        case .off: false
        }
    }
}

extension NodeView {
    /// The GPUs whose events NVML can report, by their addresses; empty while one of them must be reset.
    ///
    /// A process that has the GPU open makes `nvidia-smi --gpu-reset` fail, which findings tell a person to run.
    var gpusForEvents: [PCIAddress: String] {
        let needsReset = gpuFaults.faults.contains { $0.wait == .reset } || !facts.recoveringGPUs.isEmpty
        return needsReset ? [:] : facts.gpuUUIDs
    }
}

extension Prober {
    /// Waits for the events of NVML in a child process, until the task is canceled or the process ends.
    func waitForEvents(_ take: @escaping @Sendable (NVMLEventLine) -> Void) async -> NVMLEventEnd {
        guard probesVendor else { return .unsupported("the agent has no process of the host (--host-pid)") }
        let probe = HostProbe(root: root, commands: commands)
        let driver = await probe.driverFacts(record: .absent)
        guard driver.isLoaded else { return .failed(ReadFailure(.vendor, "the driver is not loaded")) }
        let vendor = await vendorProber(probe, driver, users: .skipped("CUDA is not tested"))
        return await vendor.waitForEvents(take)
    }
}
