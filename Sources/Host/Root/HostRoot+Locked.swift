import Glibc
import SystemPackage

extension HostRoot {
    /// Runs something while no other process on the host holds this lock.
    ///
    /// The kernel releases the lock when the process ends. It may block for five seconds; see `offPool(_:)`.
    ///
    /// - Parameters:
    ///   - lock: The file of the lock, which is the agent's own.
    ///   - body: What to do.
    /// - Returns: What `body` returns.
    /// - Throws: `lockHeld` when another process keeps the lock for five seconds.
    func locked<Value>(
        _ lock: HostPath,
        _ body: () throws(HostError) -> Value
    ) throws(HostError) -> Value {
        try makeDirectories(lock.parent)
        let file = try openOwn(lock, O_RDWR, mode: 0o600).release()
        defer { try? file.close() }
        let patience = Duration.seconds(5)
        let end = ContinuousClock.now + patience
        while true {
            do throws(Errno) {
                try retrying { flock(file.rawValue, LOCK_EX | LOCK_NB) }
                break
            } catch {
                guard error == .wouldBlock else { throw .file(.open, lock, cause: error) }
                guard ContinuousClock.now < end else {
                    throw .lockHeld(lock, holder: "another gpu-agent", waited: patience)
                }
                usleep(20_000)
            }
        }
        return try body()
    }
}
