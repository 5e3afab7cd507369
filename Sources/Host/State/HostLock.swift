import Glibc
package import NodeModel
import Support
import Synchronization
import SystemPackage

/// The one lock of a host: whoever changes it holds this.
///
/// It is `flock` on a file, so the kernel releases it when the holder ends in any way. The holder's process id and
/// command are written inside, for the one who waits.
package final class HostLock: Sendable {
    package static let path = HostPath(stringLiteral: HostLayout.lock)

    private let descriptor: Mutex<FileDescriptor?>

    private init(_ descriptor: FileDescriptor) {
        self.descriptor = Mutex(descriptor)
    }

    deinit {
        release()
    }

    /// Waits for the lock until the deadline; then fails with `lockHeld`, which names the holder.
    package static func acquire(
        on root: HostRoot,
        deadline: Duration,
        command: String = CommandLine.arguments.joined(separator: " ")
    ) async throws(HostError) -> HostLock {
        let end = ContinuousClock.now + deadline
        while true {
            let taken = try await offPool { () throws(HostError) in try take(on: root, for: command) }
            if let taken { return HostLock(taken) }
            guard !Task.isCancelled else { throw .waitCancelled("\(path)") }
            guard ContinuousClock.now < end else {
                let holder = try root.text(path)?.trimmed ?? ""
                throw .lockHeld(path, holder: holder.isEmpty ? "an unknown process" : holder, waited: deadline)
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Who holds the lock, by process id and command.
    ///
    /// Absent when nobody does; unreadable when it cannot be told, as by a user who may not open the file.
    package static func holder(on root: HostRoot) async -> Reading<String> {
        await offPool {
            reading { () throws(HostError) in
                guard let file = try root.open(path, O_RDONLY, for: .open) else { return nil }
                do throws(Errno) { try retrying { flock(file.descriptor.rawValue, LOCK_SH | LOCK_NB) } } catch {
                    guard error == .wouldBlock else { throw .file(.open, path, cause: error) }
                    let holder = try root.text(path)?.trimmed ?? ""
                    return holder.isEmpty ? "an unknown process" : holder
                }
                return nil
            }
        }
    }

    /// Gives the lock up.
    ///
    /// The end of the value does the same, but Swift may end it after its last use: hold it with
    /// `defer { lock.release() }`.
    package func release() {
        descriptor.withLock { descriptor in
            guard let open = descriptor else { return }
            descriptor = nil
            ftruncate(open.rawValue, 0)
            // A child that was forked just now has the descriptor until it executes: closing ours is not enough.
            flock(open.rawValue, LOCK_UN)
            try? open.close()
        }
    }

    /// Tries once; nil when another process holds it.
    private static func take(on root: HostRoot, for command: String) throws(HostError) -> FileDescriptor? {
        try root.makeDirectories(path.parent)
        guard let file = try root.open(path, O_RDWR | O_CREAT, mode: 0o600, for: .open) else {
            throw .file(.open, path, cause: .noSuchFileOrDirectory)
        }
        let number = file.descriptor.rawValue
        let holder = Array("\(getpid()) \(command)\n".utf8)
        do throws(Errno) {
            try retrying { flock(number, LOCK_EX | LOCK_NB) }
            try retrying { ftruncate(number, 0) }
            try file.writeAll(holder)
        } catch {
            if error == .wouldBlock { return nil }
            throw .file(.open, path, cause: error)
        }
        return file.release()
    }
}
