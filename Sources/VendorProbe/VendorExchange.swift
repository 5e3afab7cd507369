import FoundationEssentials
import Glibc
import NodeModel
import Support

/// One question to a fresh child process, from its start to its end.
struct VendorExchange {
    var program: String
    var arguments: [String]
    var environment: [String]
    var deadlines: VendorProber.Deadlines
    var cancellation: Cancellation

    /// Starts a child, asks it, and ends it.
    ///
    /// - Parameters:
    ///   - method: the question.
    ///   - subject: what is asked, for the messages of failures.
    ///   - deadline: how long the answer may take.
    /// - Returns: the child's reading; unreadable when the child gives none, with the reason `hang` when the library was
    ///   asked and does not answer, `command` when the child did not even start, `crashed` or `malformed`.
    func ask<Value>(
        _ method: VendorRequest.Method,
        about subject: String,
        within deadline: Duration
    ) -> Reading<Value> {
        let child: VendorProcess
        do throws(SpawnError) {
            child = try VendorProcess(
                program: program,
                arguments: arguments,
                environment: environment,
                cancellation: cancellation
            )
        } catch {
            return .unreadable(ReadFailure(.command, errorChain(error)))
        }

        let hello: Reading<VendorHello> = ask(child, id: 1, .hello, about: "hello", within: deadlines.hello)
        let answer: Reading<Value> = hello.flatMap { hello in
            guard hello.protocolVersion == vendorProtocolVersion else {
                let versions = "version \(hello.protocolVersion), expected \(vendorProtocolVersion)"
                return .unreadable(ReadFailure(.malformed, "the child's protocol is of \(versions)"))
            }
            return ask(child, id: 2, method, about: subject, within: deadline)
        }
        // A good child ends by itself when its input ends.
        child.end(kill: false, patience: deadlines.ending)
        return answer
    }

    private func ask<Value>(
        _ child: VendorProcess,
        id: Int,
        _ method: VendorRequest.Method,
        about subject: String,
        within deadline: Duration
    ) -> Reading<Value> {
        do {
            child.send(try vendorLine(VendorRequest(id: id, method: method)))
        } catch {
            return .unreadable(ReadFailure(.malformed, "the question about \(subject) cannot be written"))
        }
        switch child.line(before: .now + deadline) {
        case .line(let line): return Self.reading(in: line, id: id, subject)
        case .tooLong:
            child.end(kill: true, patience: deadlines.ending)
            let limit = "\(vendorAnswerLimit >> 20) MiB"
            return .unreadable(ReadFailure(.malformed, "the answer about \(subject) is longer than \(limit)"))
        case .timedOut:
            let ending = child.end(kill: true, patience: deadlines.ending)
            let survived = ending == .abandoned ? "; the child cannot be killed" : ""
            // Before its hello a child has called nothing of the vendor's: that it is late says nothing of the driver.
            let failure =
                method == .hello
                ? ReadFailure(.command, "the agent's own child did not start within \(deadline)\(survived)")
                : ReadFailure(.hang, "no answer about \(subject) within \(deadline)\(survived)")
            return .unreadable(failure)
        case .cancelled:
            child.end(kill: true, patience: deadlines.ending)
            return .skipped("the probe was ended early")
        case .ended(let unfinished): return .unreadable(ended(child, unfinished, subject))
        }
    }

    static func reading<Value>(in line: [UInt8], id: Int, _ subject: String) -> Reading<Value> {
        guard let answer = try? JSONDecoder().decode(VendorAnswer<Value>.self, from: Data(line)) else {
            let text = String(decoding: line.prefix(80), as: UTF8.self)
            return .unreadable(ReadFailure(.malformed, "the answer about \(subject) is not as expected: \(text)"))
        }
        guard answer.id == id else {
            let ids = "id \(answer.id), expected \(id)"
            return .unreadable(ReadFailure(.malformed, "the answer about \(subject) has the \(ids)"))
        }
        return answer.reading
    }

    /// Why a child ended without an answer.
    private func ended(_ child: VendorProcess, _ unfinished: [UInt8], _ subject: String) -> ReadFailure {
        let ending = child.end(kill: false, patience: deadlines.ending)
        let words = child.lastError.map { ": \($0)" } ?? ""
        switch ending {
        case .exited(0) where !unfinished.isEmpty:
            return ReadFailure(.malformed, "the answer about \(subject) breaks off\(words)")
        case .exited(let status):
            return ReadFailure(.crashed, "the child asked about \(subject) ended with status \(status)\(words)")
        case .signalled(let signal):
            let name = strsignal(signal).map { " (\(String(cString: $0)))" } ?? ""
            return ReadFailure(.crashed, "the child asked about \(subject) died of signal \(signal)\(name)\(words)")
        case .killed, .abandoned:
            return ReadFailure(.crashed, "the child asked about \(subject) closed its output\(words)")
        }
    }
}
