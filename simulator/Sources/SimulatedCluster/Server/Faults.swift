import Synchronization

/// A fault that the server injects into the next matching requests.
public struct Fault: Sendable {
    /// What the server does instead of the correct response.
    public enum Action: Sendable {
        /// Sends a `Status` object with this code.
        case status(Int, message: String, retryAfter: Int? = nil)
        /// Sends plain text, as proxies do, and as the real server does when it is overloaded.
        case plain(Int, text: String, retryAfter: Int? = nil)
        /// Sends a wrong response with status 200.
        case garbage(String)
        /// Closes the connection without a response.
        case drop
        /// Sends nothing for this duration, then closes the connection.
        case hang(Duration)
        /// Sends the correct response after a delay.
        case delay(Duration)
        /// Sends the correct response with another resource version of its object.
        case version(String)
        /// Sends this many bytes of the first event of the watch, then closes the connection.
        case cut(bytes: Int)
    }

    public var action: Action
    /// The number of requests with this fault.
    public var times: Int
    /// The number of matching requests before them, which get the correct response.
    public var after = 0
    /// The HTTP method of these requests; nil for all methods.
    public var method: String?
    /// A text that the path with its query must contain; nil for all paths.
    public var target: String?

    public init(_ action: Action, times: Int = 1, after: Int = 0, method: String? = nil, target: String? = nil) {
        self.action = action
        self.times = times
        self.after = after
        self.method = method
        self.target = target
    }

    /// The response of an overloaded server.
    public static func tooManyRequests(retryAfter: Int, times: Int = 1) -> Fault {
        let text = "Too many requests, please try again later."
        return Fault(.plain(429, text: text, retryAfter: retryAfter), times: times)
    }

    func hits(_ request: APIRequest) -> Bool {
        (method ?? request.method) == request.method && target.map(request.target.contains) ?? true
    }
}

extension Fault.Action {
    /// The correct response with this fault in it.
    func bend(_ answer: APIAnswer) -> APIAnswer {
        var bent = answer
        switch (self, answer.body) {
        case (.version(let version), .json(var json)) where json[path: ["metadata", "resourceVersion"]] != nil:
            json["metadata"]?["resourceVersion"] = .string(version)
            bent.body = .json(json)
        case (.cut(let bytes), .watch(var plan)):
            plan.cut = bytes
            bent.body = .watch(plan)
        default: break
        }
        return bent
    }
}

/// The pending faults, in order.
public final class FaultQueue: Sendable {
    private let faults = Mutex<[Fault]>([])
    /// The number of releases so far; a delayed response waits only while this number stays the same.
    private let releases = Mutex(0)

    public init() {}

    public func add(_ fault: Fault) { faults.withLock { $0.append(fault) } }

    /// Whether a request has met each fault.
    public var isEmpty: Bool { faults.withLock { $0.isEmpty } }

    /// Removes all pending faults.
    public func clear() { faults.withLock { $0.removeAll() } }

    /// The faulty response to a request; nil for the correct one.
    func answer(with action: Fault.Action) async -> APIAnswer? {
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
        case .version, .cut: return nil
        }
    }

    /// Releases the responses that are delayed now.
    public func release() { releases.withLock { $0 += 1 } }

    private func hang(_ duration: Duration) async {
        let end = ContinuousClock.now + duration
        let releasesBefore = releases.withLock { $0 }
        while ContinuousClock.now < end, releases.withLock({ $0 }) == releasesBefore {
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }

    /// Takes what the server does instead of the correct response to a request; nil when no fault matches.
    func take(_ request: APIRequest) -> Fault.Action? {
        faults.withLock { faults in
            guard let index = faults.firstIndex(where: { $0.hits(request) }) else { return nil }
            guard faults[index].after == 0 else {
                faults[index].after -= 1
                return nil
            }
            faults[index].times -= 1
            let action = faults[index].action
            if faults[index].times <= 0 { faults.remove(at: index) }
            return action
        }
    }
}
