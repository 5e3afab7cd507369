import Glibc
package import NodeModel
package import Support
import Synchronization
import SystemPackage

/// The lock that a process must hold while it changes the host, so that only one process does so at a time.
///
/// It is a `flock` on a file, so the kernel releases it when the holder ends for any reason. The file contains the
/// holder's process ID, command, pod and start time, for the message of a process that waits.
package final class HostLock: Sendable {
    package static let path = HostPath(stringLiteral: HostLayout.lock)

    private let descriptor: Mutex<FileDescriptor?>

    private init(_ descriptor: FileDescriptor) {
        self.descriptor = Mutex(descriptor)
    }

    deinit {
        release()
    }

    /// Waits for the lock and takes it.
    ///
    /// - Parameters:
    ///   - root: The host.
    ///   - deadline: How long to wait.
    ///   - name: What the file says about the holder after its process ID.
    ///   - onWait: Gets the name of the holder when another process has the lock, and each time the holder changes.
    /// - Returns: The lock, which is released at the latest when the value is destroyed.
    /// - Throws: `lockHeld` with the holder's name when the deadline passes, `waitCancelled` when the task is canceled.
    package static func acquire(
        on root: HostRoot,
        deadline: Duration,
        as name: String = holderName(),
        onWait: @Sendable (String) -> Void = { _ in }
    ) async throws(HostError) -> HostLock {
        let end = ContinuousClock.now + deadline
        var known: String?
        while true {
            let taken = try await offPool { () throws(HostError) in try take(on: root, as: name) }
            if let taken { return HostLock(taken) }
            let holder = await offPool { nameInFile(of: root) }
            if holder != known { onWait(holder) }
            known = holder
            guard !Task.isCancelled else { throw .waitCancelled("\(path)") }
            guard ContinuousClock.now < end else { throw .lockHeld(path, holder: holder, waited: deadline) }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    /// What a holder of the lock says about itself: its command, its pod, and when it took the lock.
    package static func holderName(
        command: String = CommandLine.arguments.joined(separator: " "),
        pod: String? = nil,
        since time: Timestamp = Timestamp(Double(time(nil)))
    ) -> String {
        "\(command)\(pod.map { " in pod \($0)" } ?? "") since \(time.wholeSeconds)"
    }

    /// The process ID and the name of the holder.
    ///
    /// Absent when nobody holds the lock. Unreadable when the file cannot be opened, for example without root.
    package static func holder(on root: HostRoot) async -> Reading<String> { await offPool { holderNow(on: root) } }

    /// The same on the thread of the caller.
    static func holderNow(on root: HostRoot) -> Reading<String> {
        reading { () throws(HostError) in
            let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW
            guard let file = try root.open(path, flags, for: .open) else { return nil }
            guard try root.status(of: file, path).kind == .file else { throw .notAFile(path) }
            do throws(Errno) { try retrying { flock(file.descriptor.rawValue, LOCK_SH | LOCK_NB) } } catch {
                guard error == .wouldBlock else { throw .file(.open, path, cause: error) }
                return nameInFile(of: root)
            }
            return nil
        }
    }

    private static func nameInFile(of root: HostRoot) -> String {
        let bytes = (try? root.readOwn(path, limit: 4096)) ?? nil
        let holder = String(decoding: bytes ?? [], as: UTF8.self).trimmed
        return holder.isEmpty ? "an unknown process" : holder
    }

    /// Releases the lock.
    ///
    /// `deinit` does the same, but Swift may destroy the value right after its last use. Use
    /// `defer { lock.release() }` to hold the lock to the end of a scope.
    package func release() {
        descriptor.withLock { descriptor in
            guard let open = descriptor else { return }
            descriptor = nil
            ftruncate(open.rawValue, 0)
            // A child process has a copy of the descriptor between fork and exec, so closing this one is not enough.
            flock(open.rawValue, LOCK_UN)
            try? open.close()
        }
    }

    /// Tries once to take the lock; nil when another process holds it.
    private static func take(on root: HostRoot, as name: String) throws(HostError) -> FileDescriptor? {
        try root.makeDirectories(path.parent)
        let file = try root.openOwn(path, O_RDWR, mode: 0o600)
        let number = file.descriptor.rawValue
        let holder = Array("\(getpid()) \(name)\n".utf8)
        do throws(Errno) {
            try retrying { flock(number, LOCK_EX | LOCK_NB) }
            // Somebody can have put the file aside or removed it between the open and the lock.
            guard isInPlace(file, on: root) else { return nil }
            try retrying { ftruncate(number, 0) }
            try file.writeAll(holder)
        } catch {
            if error == .wouldBlock { return nil }
            throw .file(.open, path, cause: error)
        }
        return file.release()
    }

    /// Whether the open file still has the path of the lock.
    private static func isInPlace(_ file: borrowing OpenFile, on root: HostRoot) -> Bool {
        let open = try? root.status(of: file, path).identity
        let named = (try? root.status(path, followLink: false)) ?? nil
        return open != nil && open == named?.identity
    }
}
