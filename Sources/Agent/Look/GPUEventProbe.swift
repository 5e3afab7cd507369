import Dispatch
import Host
import NodeModel
import Support
import SystemPackage

/// Reads what the kernel log reported about the GPUs: the history on the host, and the part of the log after it.
struct GPUEventProbe: Sendable {
    let root: HostRoot
    /// Whether to read the part of the log that no daemon has read yet.
    ///
    /// A daemon follows the log, and does not read it a second time.
    let readsLog: Bool
    /// Whether the daemon in this process waits for the events of NVML.
    var hearsNVML = false

    /// The open errors, with everything that the log says now.
    func facts(boot reading: Reading<String>) async -> Reading<GPUEventFacts> {
        switch reading {
        case .present(let boot): .present(await facts(boot: boot).open)
        case .absent: .absent
        case .absentBecause(let why): .absentBecause(why)
        case .unreadable(let failure): .unreadable(failure)
        case .skipped(let why): .skipped(why)
        }
    }

    /// The whole history, with everything that the log says now.
    func facts(boot: String) async -> GPUEventFacts {
        let position = await KernelLogPositionFile(root: root).load()
        var facts = GPUEventFacts(history: GPUHistory(), boot: boot, at: Timestamp(now()))
        if let position, position.boot == boot { facts.gaps = position.gaps }
        do throws(HostError) {
            facts.history = try await GPUHistoryStore(root: root).load()
            if readsLog {
                let clock = KernelClock()
                for message in try await messages(boot: boot, position) {
                    facts.history.add(message, boot: boot, at: clock.time(of: message))
                }
            }
        } catch {
            facts.logFailure = errorChain(error)
            if hearsNVML { facts.usesNVML = true }
        }
        return facts
    }

    /// What the log says after the position.
    func messages(boot: String, _ position: KernelLogPosition?) async throws(HostError) -> [DriverLog.Message] {
        let next = position?.boot == boot ? position?.next ?? 0 : 0
        let root = root
        return try await offPool { () throws(HostError) -> [DriverLog.Message] in
            guard var reader = try KernelLogReader(root, from: next) else { return [] }
            var batch = KernelLogReader.Batch()
            // The largest log of a kernel has fewer records. A program that keeps writing does not delay the command.
            do throws(Errno) { _ = try reader.read(into: &batch, limit: 1_000_000) } catch {
                throw .file(.read, KernelLogReader.path, cause: error)
            }
            reader.flush(into: &batch)
            return batch.messages
        }
    }
}

/// Converts the times of the kernel log, which count from the boot.
struct KernelClock {
    private let boot: Double

    init() {
        // As the kernel log, this clock does not count the time in which the machine sleeps.
        boot = now() - Double(DispatchTime.now().uptimeNanoseconds) / 1e9
    }

    func time(of message: DriverLog.Message) -> Timestamp {
        Timestamp(min(boot + Double(message.microseconds) / 1e6, now()))
    }
}

/// The file that tells how far the daemon has read the kernel log of this boot.
typealias KernelLogPositionFile = StateFile<KernelLogPosition>

extension StateFile<KernelLogPosition> {
    init(root: HostRoot) {
        self.init(root: root, path: HostPath(stringLiteral: HostLayout.kernelLogPosition), mode: 0o644)
    }
}
