import Reporting
import Support
import Synchronization

/// How long the parts of the inspections took when they last ran, for the metrics.
///
/// All inspections of a process share it.
final class ProbeTimes: Sendable {
    private let state = Mutex<(parts: [ProbePart: Double], whole: Double?)>(([:], nil))

    /// The seconds by part.
    var parts: [ProbePart: Double] { state.withLock(\.parts) }

    /// The seconds of the last inspection; nil before the first one.
    var whole: Double? { state.withLock(\.whole) }

    func note(_ part: ProbePart, _ time: Duration) {
        state.withLock { $0.parts[part] = time.seconds }
    }

    /// Measures a part of an inspection.
    func measure<Value>(_ part: ProbePart, _ work: () async -> Value) async -> Value {
        let start = ContinuousClock.now
        let value = await work()
        note(part, ContinuousClock.now - start)
        return value
    }

    /// Measures a whole inspection.
    func measure<Value>(_ work: () async -> Value) async -> Value {
        let start = ContinuousClock.now
        let value = await work()
        let time = ContinuousClock.now - start
        state.withLock { $0.whole = time.seconds }
        return value
    }
}
