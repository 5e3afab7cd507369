import Support
import Synchronization

/// Wakes the daemon's loop at a set time.
///
/// Only one time is set. A new time replaces it.
final class Alarm: Sendable {
    private let wakeUp: Bell
    private let pending = Mutex<Task<Void, Never>?>(nil)

    init(wakeUp: Bell) {
        self.wakeUp = wakeUp
    }

    /// Wakes the loop after a delay; nil cancels the alarm.
    func ring(in delay: Duration?) {
        let wakeUp = wakeUp
        pending.withLock { pending in
            pending?.cancel()
            pending = delay.map { delay in
                Task {
                    do { try await Task.sleep(for: delay) } catch { return }
                    wakeUp.ring()
                }
            }
        }
    }

    func cancel() { ring(in: nil) }
}
