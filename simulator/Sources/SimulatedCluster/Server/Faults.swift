import Synchronization

/// Something that goes wrong with the next requests of a kind.
public struct Fault: Sendable {
    /// What goes wrong.
    public enum Action: Sendable {
        /// A `Status` answer with this code.
        case status(Int, message: String, retryAfter: Int? = nil)
        /// A plain text answer, as proxies give and as the real server gives when it is overloaded.
        case plain(Int, text: String, retryAfter: Int? = nil)
        /// An answer of status 200 that is not what was asked for.
        case garbage(String)
        /// The connection is closed without an answer.
        case drop
        /// No answer for so long; then the connection is closed.
        case hang(Duration)
        /// The right answer, but late.
        case delay(Duration)
    }

    public var action: Action
    /// How many requests it hits.
    public var times: Int
    /// The method it hits; nil for all.
    public var method: String?
    /// What the path with its query must contain; nil for all.
    public var target: String?

    public init(_ action: Action, times: Int = 1, method: String? = nil, target: String? = nil) {
        self.action = action
        self.times = times
        self.method = method
        self.target = target
    }

    /// What an overloaded server answers.
    public static func tooManyRequests(retryAfter: Int, times: Int = 1) -> Fault {
        let text = "Too many requests, please try again later."
        return Fault(.plain(429, text: text, retryAfter: retryAfter), times: times)
    }

    func hits(_ request: APIRequest) -> Bool {
        (method ?? request.method) == request.method && target.map(request.target.contains) ?? true
    }
}

/// The faults that are still to happen, in order.
public final class FaultQueue: Sendable {
    private let faults = Mutex<[Fault]>([])
    /// Grows with every release; an answer is held back only as long as it stays the same.
    private let releases = Mutex(0)

    public init() {}

    public func add(_ fault: Fault) { faults.withLock { $0.append(fault) } }

    /// Lets everything go right again.
    public func clear() { faults.withLock { $0.removeAll() } }

    /// The faulty answer to a request; nil when nothing goes wrong.
    func answer(to request: APIRequest) async -> APIAnswer? {
        guard let action = take(request) else { return nil }
        switch action {
        case .status(let code, let message, let retryAfter):
            let reason =
                code == 410 ? "Expired" : code == 429 ? "TooManyRequests" : code == 503 ? "ServiceUnavailable" : ""
            return APIAnswer(APIFailure(code: code, reason: reason, message: message, retryAfter: retryAfter))
        case .plain(let code, let text, let retryAfter): return APIAnswer(code, .text(text), retryAfter: retryAfter)
        case .garbage(let text): return APIAnswer(200, .text(text))
        case .drop: return APIAnswer(0, .dropped)
        case .hang(let duration):
            await hang(duration)
            return APIAnswer(0, .dropped)
        case .delay(let duration):
            await hang(duration)
            return nil
        }
    }

    /// Lets the answers go on that are held back now.
    public func release() { releases.withLock { $0 += 1 } }

    private func hang(_ duration: Duration) async {
        let end = ContinuousClock.now + duration
        let releasesBefore = releases.withLock { $0 }
        while ContinuousClock.now < end, releases.withLock({ $0 }) == releasesBefore {
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }

    private func take(_ request: APIRequest) -> Fault.Action? {
        faults.withLock { faults in
            guard let index = faults.firstIndex(where: { $0.hits(request) }) else { return nil }
            faults[index].times -= 1
            let action = faults[index].action
            if faults[index].times <= 0 { faults.remove(at: index) }
            return action
        }
    }
}
