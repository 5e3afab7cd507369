import FoundationEssentials
import Glibc
import NodeModel
import Support

/// Runs one request in a new child process.
struct VendorExchange: Sendable {
    var program: String
    var arguments: [String]
    var environment: [String]
    var deadlines: VendorProber.Deadlines
    /// The file that names the Vulkan driver; nil leaves the choice to the loader.
    var vulkanDriver: String?
    var cancellation: Cancellation
    /// The child processes that the agent could not kill.
    var abandoned = AbandonedChildren()
    /// How long the libraries were called until now.
    var calls = CallTime()
    /// What a request for a change of MIG changes.
    var change: MIGChange?
    /// What a request for a test of peer access tests.
    var peers: CUDAPeerPlan?
    /// Hears of each call of the child process before it is made.
    var progress: @Sendable (String, VendorCall) -> Void = { _, _ in }

    /// Starts a child process, sends it a request, and ends it.
    ///
    /// - Parameters:
    ///   - method: The request.
    ///   - subject: The name of what is read, for error messages.
    ///   - deadline: How long the answer may take.
    ///   - rescue: Makes a reading from the notes of the child process when a call hangs.
    /// - Returns: The reading from the child process. It is unreadable when no valid answer arrives, with the reason
    ///   `command` when the child process does not start, `hang` when the library does not answer, `crashed` when the
    ///   child process ends, or `malformed`.
    func ask<Value>(
        _ method: VendorRequest.Method,
        about subject: String,
        within deadline: Duration,
        rescue: (VendorNotes, ReadFailure) -> Reading<Value> = { .unreadable($1) }
    ) -> Reading<Value> {
        var stuck = abandoned.count
        // Those of another agent can be about to end. A driver takes its time for that.
        if stuck >= AbandonedChildren.limit {
            stuck = abandoned.count(after: deadlines.together == nil ? .seconds(2) : .milliseconds(200))
        }
        guard stuck < AbandonedChildren.limit else {
            let detail =
                "\(subject): not called, because \(stuck) child processes hang in the driver and cannot be killed"
            return .unreadable(ReadFailure(deadlines.together == nil ? .hang : .slow, detail))
        }
        let child: VendorProcess
        do throws(SpawnError) {
            child = try process()
        } catch {
            return .unreadable(ReadFailure(.command, errorChain(error)))
        }

        let hello: Reading<VendorHello> = ask(child, id: 1, .hello, about: "hello", within: deadlines.hello)
        let answer: Reading<Value> = hello.flatMap { hello in
            guard hello.protocolVersion == vendorProtocolVersion else {
                let versions = "version \(hello.protocolVersion), expected \(vendorProtocolVersion)"
                return .unreadable(ReadFailure(.malformed, "the child process uses protocol \(versions)"))
            }
            return calls.counting {
                let answer = ask(child, id: 2, method, about: subject, within: deadline, rescue: rescue)
                // A healthy child process exits when its input ends. The driver cleans up after it meanwhile.
                // It gets this patience twice, the second time after a kill.
                let isBrief = deadlines.together != nil
                child.end(kill: false, patience: isBrief ? max(deadlines.ending, rest / 2) : deadlines.ending)
                return answer
            }
        }
        child.end(kill: false, patience: deadlines.ending)
        return answer
    }

    /// What is left of the time for the calls of all libraries together, or a day without a limit.
    var rest: Duration {
        deadlines.together.map { max(.zero, $0 - calls.sum) } ?? .seconds(24 * 3600)
    }

    /// The failure of a library that was not called, because the others took the time for all of them.
    func notCalled(_ subject: String, within deadline: Duration) -> ReadFailure {
        let detail = "\(subject): not called within \(spoken(deadline)), because the other calls took that long"
        return ReadFailure(deadlines.together == nil ? .hang : .slow, detail)
    }

    /// Starts a child process.
    func process() throws(SpawnError) -> VendorProcess {
        try VendorProcess(
            program: program,
            arguments: arguments,
            environment: environment,
            cancellation: cancellation,
            abandoned: abandoned
        )
    }

    private func ask<Value>(
        _ child: VendorProcess,
        id: Int,
        _ method: VendorRequest.Method,
        about subject: String,
        within deadline: Duration,
        rescue: (VendorNotes, ReadFailure) -> Reading<Value> = { .unreadable($1) }
    ) -> Reading<Value> {
        var notes = VendorNotes()
        do {
            child.send(try vendorLine(VendorRequest(id: id, method: method, change: change, peers: peers)))
        } catch {
            return .unreadable(ReadFailure(.malformed, "the request for \(subject) cannot be encoded"))
        }
        switch answer(of: child, before: .now + deadline, subject, &notes) {
        case .line(let line): return Self.reading(in: line, id: id, subject)
        case .tooLong:
            child.end(kill: true, patience: deadlines.ending)
            let limit = "\(vendorAnswerLimit >> 20) MiB"
            return .unreadable(ReadFailure(.malformed, "the answer for \(subject) is longer than \(limit)"))
        case .timedOut:
            let state = ProcessState(of: child.pid).map { " (\($0))" } ?? ""
            let ending = child.end(kill: true, patience: deadlines.ending)
            let survived = ending == .abandoned ? "; the child process cannot be killed" : ""
            // Before its hello, a child process does not call the driver, so a delay does not mean that it hangs.
            guard method != .hello else {
                let detail = "the agent's child process did not start within \(spoken(deadline))\(survived)"
                return .unreadable(ReadFailure(.command, detail))
            }
            let call = notes.call.map { "\($0) did not return" } ?? "no answer"
            let detail = "\(subject): \(call) within \(spoken(deadline))\(state)\(survived)"
            return rescue(notes, ReadFailure(deadlines.together == nil ? .hang : .slow, detail))
        case .cancelled:
            child.end(kill: true, patience: deadlines.ending)
            return .skipped("the probe was canceled")
        case .ended(let unfinished):
            let place = notes.call.map { "\(subject), in \($0)," } ?? subject
            return .unreadable(ended(child, unfinished, place))
        }
    }

    /// Waits for the next line that is not a note.
    func answer(
        of child: VendorProcess,
        before deadline: ContinuousClock.Instant,
        _ subject: String,
        _ notes: inout VendorNotes
    ) -> VendorProcess.Line {
        while true {
            let next = child.line(before: deadline)
            guard case .line(let line) = next, let note = VendorNote(line) else { return next }
            notes.add(note)
            // A library that calls in a loop sends notes without end.
            guard ContinuousClock.now < deadline else { return .timedOut }
            if let call = note.call { progress(subject, call) }
        }
    }

    static func reading<Value>(in line: [UInt8], id: Int, _ subject: String) -> Reading<Value> {
        guard let answer = try? JSONDecoder().decode(VendorAnswer<Value>.self, from: Data(line)) else {
            let text = String(decoding: line.prefix(80), as: UTF8.self)
            return .unreadable(ReadFailure(.malformed, "the answer for \(subject) is not as expected: \(text)"))
        }
        guard answer.id == id else {
            let ids = "ID \(answer.id), expected \(id)"
            return .unreadable(ReadFailure(.malformed, "the answer for \(subject) has \(ids)"))
        }
        return answer.reading
    }

    /// Why a child process ended without an answer.
    func ended(_ child: VendorProcess, _ unfinished: [UInt8], _ subject: String) -> ReadFailure {
        let ending = child.end(kill: false, patience: deadlines.ending)
        let words = child.lastError.map { ": \($0)" } ?? ""
        switch ending {
        case .exited(0) where !unfinished.isEmpty:
            return ReadFailure(.malformed, "the answer for \(subject) is incomplete\(words)")
        case .exited(let status):
            return ReadFailure(.crashed, "the child process for \(subject) exited with status \(status)\(words)")
        case .signalled(let signal):
            let name = strsignal(signal).map { " (\(String(cString: $0)))" } ?? ""
            let detail = "the child process for \(subject) was killed by signal \(signal)\(name)\(words)"
            return ReadFailure(.crashed, detail)
        case .killed, .abandoned:
            return ReadFailure(.crashed, "the child process for \(subject) closed its output\(words)")
        }
    }
}

/// A duration in tenths of a second: `0.7 seconds`.
private func spoken(_ duration: Duration) -> String { "\((duration / .seconds(1) * 10).rounded() / 10) seconds" }
