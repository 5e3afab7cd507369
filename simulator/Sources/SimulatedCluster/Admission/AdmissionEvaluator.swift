import Dispatch
import FoundationEssentials
import Synchronization

/// The admission policies cannot be evaluated.
public struct AdmissionError: Error, Sendable, CustomStringConvertible {
    public var description: String
}

/// Decides with the admission policies of a manifest, as the program `admission-evaluator` evaluates them.
///
/// The check of the policies uses the same program. The server starts it, and again after it failed. A write is allowed
/// only when the program says so.
public final class AdmissionEvaluator: Sendable {
    /// The answer to one write.
    enum Decision: Sendable, Equatable {
        case allowed
        case denied(policy: String, binding: String, message: String, reason: String)
    }

    /// The maximum size of a request and of an answer, in bytes.
    static let lineBytes = 8 << 20

    private let command: [String]
    private let deadline: Duration
    private let startDeadline: Duration
    private let process = Mutex<EvaluatorProcess?>(nil)
    private let queue = DispatchQueue(label: "admission-evaluator")

    /// Creates an evaluator, which does not run yet.
    ///
    /// - Parameters:
    ///   - command: The program with its arguments; the program is searched on the PATH.
    ///   - deadline: The longest time for an answer.
    ///   - startDeadline: The longest time for the start of the program.
    public init(command: [String], deadline: Duration = .seconds(10), startDeadline: Duration = .seconds(60)) {
        self.command = command
        self.deadline = deadline
        self.startDeadline = startDeadline
    }

    deinit { process.withLock { $0?.end() } }

    /// Starts the program, so that its failure is known before the first write.
    ///
    /// - Throws: `AdmissionError` when the program does not start, for example because a Python package is missing.
    public func start() async throws(AdmissionError) {
        try await blocking { process throws(AdmissionError) in try self.ensureStarted(&process) }
    }

    /// Decides about one write.
    ///
    /// - Parameter call: The variables of the policies: `request`, `object` and `oldObject`.
    /// - Returns: The decision, with the policy that denies the write.
    /// - Throws: `AdmissionError` when there is no valid answer within the deadline.
    func decide(_ call: JSON) async throws(AdmissionError) -> Decision {
        let line = Array(call.text().utf8) + [UInt8(ascii: "\n")]
        guard line.count <= Self.lineBytes else {
            throw AdmissionError(description: "the request has more than \(Self.lineBytes) bytes")
        }
        let answer = try await blocking { process throws(AdmissionError) in
            try self.ensureStarted(&process)
            let end = ContinuousClock.now + self.deadline
            return try self.endingOnFailure(&process) { process throws(AdmissionError) in
                try process.send(line, until: end)
                return try process.line(limit: Self.lineBytes, until: end)
            }
        }
        return try Self.decision(answer)
    }

    private static func decision(_ line: [UInt8]) throws(AdmissionError) -> Decision {
        guard let json = try? JSON(parsing: Data(line)) else {
            throw AdmissionError(description: "the answer is no JSON")
        }
        if let error = json["error"]?.string { throw AdmissionError(description: error) }
        if json["allowed"] == true { return .allowed }
        guard json["allowed"] == false, let policy = json["policy"]?.string, let binding = json["binding"]?.string,
            let message = json["message"]?.string, let reason = json["reason"]?.string
        else { throw AdmissionError(description: "the answer is not complete") }
        return .denied(policy: policy, binding: binding, message: message, reason: reason)
    }

    private func ensureStarted(_ process: inout EvaluatorProcess?) throws(AdmissionError) {
        guard process == nil else { return }
        process = try EvaluatorProcess(command)
        let end = ContinuousClock.now + startDeadline
        let line = try endingOnFailure(&process) { process throws(AdmissionError) in
            try process.line(limit: Self.lineBytes, until: end)
        }
        guard let ready = try? JSON(parsing: Data(line)), ready["ready"]?.array?.isEmpty == false else {
            process?.end()
            process = nil
            throw AdmissionError(description: "the program does not say that it is ready")
        }
    }

    /// Ends the program when the exchange fails, because a late answer would count for the next request.
    private func endingOnFailure<Success>(
        _ process: inout EvaluatorProcess?,
        _ body: (inout EvaluatorProcess) throws(AdmissionError) -> Success
    ) throws(AdmissionError) -> Success {
        guard var running = process else { throw AdmissionError(description: "the program does not run") }
        do throws(AdmissionError) {
            let result = try body(&running)
            process = running
            return result
        } catch {
            running.end()
            process = nil
            throw error
        }
    }

    /// Runs a blocking exchange on a thread of its own; only one runs at a time.
    ///
    /// The threads of Swift's tasks are few. A test process blocks many of them, and the deadline would pass before the
    /// exchange begins.
    private func blocking<Success: Sendable>(
        _ body: @escaping @Sendable (inout EvaluatorProcess?) throws(AdmissionError) -> Success
    ) async throws(AdmissionError) -> Success {
        let result: Result<Success, AdmissionError> = await withCheckedContinuation { continuation in
            queue.async {
                let result: Result<Success, AdmissionError> = self.process.withLock { process in
                    do throws(AdmissionError) { return .success(try body(&process)) } catch { return .failure(error) }
                }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }
}
