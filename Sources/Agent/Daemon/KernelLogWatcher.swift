import Host
import Logging
import NodeModel
import ServiceLifecycle
import Support
import Synchronization
import SystemPackage

/// Follows the kernel log, stores the errors of the GPUs on the host, and wakes the reconciler.
///
/// It stores how far it has read, so that the next daemon continues there, and so does the next attempt after an error.
struct KernelLogWatcher: Service {
    /// Whether the history on the host has everything that the log says.
    final class Progress: Sendable {
        enum State: Sendable {
            case starting, current
            /// The history cannot be written.
            case failing
            /// The log cannot be read now.
            case unreadable
            /// The host has no log.
            case absent
        }

        private let mutex = Mutex(State.starting)
        var state: State {
            get { mutex.withLock(\.self) }
            set { mutex.withLock { $0 = newValue } }
        }
        var isCurrent: Bool { state == .current }
    }

    let root: HostRoot
    let wakeUp: Bell
    let progress: Progress
    /// The time until the next attempt after an error of the log.
    var pauseAfterFailure = Duration.seconds(60)
    let logger: Logger

    /// The time between two writes of the history, however many errors the log has.
    private static let pause = Duration.seconds(1)
    /// The time between two writes of the position, while the log has no errors.
    private static let positionPause = Duration.seconds(10)

    func run() async throws {
        await cancelWhenGracefulShutdown { await watch() }
        // The service group ends when one of its services ends.
        try? await gracefulShutdown()
    }

    private func watch() async {
        var failures = 0
        while !Task.isCancelled {
            do throws(HostError) {
                try await follow()
                progress.state = .absent
                return
            } catch {
                // An attempt that read the log is a success, also when it ended with an error.
                failures = progress.state == .unreadable ? failures + 1 : 1
                progress.state = .unreadable
                // The same failure each minute says nothing new.
                logger.log(
                    level: failures == 1 ? .warning : .debug,
                    "cannot follow the kernel log; each inspection reads it instead",
                    metadata: ["error": "\(errorChain(error))"]
                )
            }
            try? await Task.sleep(for: pauseAfterFailure)
        }
    }

    private func follow() async throws(HostError) {
        let reading = await HostProbe(root: root, commands: nil).bootID()
        guard let boot = reading.value else {
            guard let failure = reading.failure else { return }
            throw .malformed(KernelLogReader.path, cause: MessageError("the boot ID is not known: \(failure)"))
        }
        let file = KernelLogPositionFile(root: root)
        let saved = await file.load()
        var position = saved.flatMap { $0.boot == boot ? $0 : nil } ?? KernelLogPosition(boot: boot)
        guard let reader = try KernelLogReader(root, from: position.next) else { return }
        let bell = Bell()
        let inbox = KernelLogInbox(bell: bell)
        let follower: KernelLogFollower
        do throws(Errno) { follower = try KernelLogFollower(reader, take: inbox.put, failed: inbox.fail) } catch {
            throw .file(.read, KernelLogReader.path, cause: error)
        }
        let alarm = Alarm(wakeUp: bell)
        defer { alarm.cancel() }
        var savedAt = ContinuousClock.now - Self.positionPause
        for await _ in bell.calls {
            let content = inbox.take()
            var isUrgent = await store(content, inbox, &position)
            // The next attempt continues where this one ends.
            if content.failure != nil { isUrgent = true }
            if isUrgent || ContinuousClock.now - savedAt >= Self.positionPause {
                await save(position, file)
                savedAt = .now
            }
            alarm.ring(in: progress.isCurrent && savedAt > .now - Self.pause ? nil : Self.positionPause)
            if let failure = content.failure { throw .file(.read, KernelLogReader.path, cause: failure) }
            try? await Task.sleep(for: Self.pause)
        }
        withExtendedLifetime(follower) {}
        _ = await store(inbox.take(), inbox, &position)
        await save(position, file)
    }

    /// Stores what the log said, and moves the position after it.
    ///
    /// - Returns: Whether the position must be saved now.
    private func store(
        _ content: KernelLogInbox.Content,
        _ inbox: KernelLogInbox,
        _ position: inout KernelLogPosition
    ) async -> Bool {
        let (messages, boot, clock) = (content.messages, position.boot, KernelClock())
        if !messages.isEmpty {
            do throws(HostError) {
                let news = try await GPUHistoryStore(root: root).update { history in
                    let stored = history
                    var isNews = false
                    for message in messages {
                        let isNew = history.add(message, boot: boot, at: clock.time(of: message))
                        isNews = isNews || isNew
                    }
                    // A node without an error needs no file.
                    if history.events.isEmpty { history = stored }
                    return isNews
                }
                if news { wakeUp.ring() }
            } catch {
                if progress.state != .failing {
                    logger.warning(
                        "cannot store the errors of the GPUs",
                        metadata: ["error": "\(errorChain(error))"]
                    )
                }
                progress.state = .failing
                inbox.putBack(content)
                return false
            }
        }
        if content.lost > 0 {
            let records = Int(clamping: content.lost)
            position.add(KernelLogPosition.Gap(at: Timestamp(now()), records: records))
            logger.warning(
                "the kernel overwrote records of its log before the agent read them",
                metadata: ["records": "\(records)"]
            )
        }
        if let next = content.next { position.next = next }
        if content.failure == nil || content.next != nil {
            if progress.state == .unreadable { logger.notice("the kernel log can be read again") }
            progress.state = .current
        }
        return !messages.isEmpty || content.lost > 0
    }

    private func save(_ position: KernelLogPosition, _ file: KernelLogPositionFile) async {
        do throws(HostError) { try await file.save(position) } catch {
            // Without the file, the next daemon reads the log of this boot again.
            logger.debug("cannot save the position in the kernel log", metadata: ["error": "\(errorChain(error))"])
        }
    }
}
