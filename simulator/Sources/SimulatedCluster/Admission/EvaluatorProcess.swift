import Glibc
import Subprocess
import SystemPackage

/// A running program that answers each line of its input with one line, and the socket that is its input and output.
struct EvaluatorProcess: Sendable {
    /// Waits for the end of the program; its cancellation kills the program.
    private let program: Task<Void, Never>
    private let socket: CInt
    private var received: [UInt8] = []

    /// Starts the program.
    ///
    /// The program ends when this process ends, because the end of the socket is the end of its input.
    init(_ command: [String]) throws(AdmissionError) {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Self.failure("socketpair", errno) }
        socket = ends[0]
        let end = FileDescriptor(rawValue: ends[1])
        let name = command.first ?? ""
        program = Task {
            _ = try? await run(
                name.contains("/") ? .path(FilePath(name)) : .name(name),
                arguments: Arguments(Array(command.dropFirst())),
                input: .fileDescriptor(end, closeAfterSpawningProcess: false),
                output: .fileDescriptor(end, closeAfterSpawningProcess: false),
                error: .currentStandardError
            )
            // Now the other end of the socket tells that there is no program.
            try? end.close()
        }
    }

    /// Sends a line, which includes its line break.
    func send(_ line: [UInt8], until end: ContinuousClock.Instant) throws(AdmissionError) {
        var sent = 0
        while sent < line.count {
            try waitFor(CInt(POLLOUT), until: end)
            let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
            let count = line[sent...].withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, flags) }
            guard count > 0 || errno == EAGAIN || errno == EINTR else { throw Self.failure("send", errno) }
            sent += max(count, 0)
        }
    }

    /// The next line, without its line break.
    mutating func line(limit: Int, until end: ContinuousClock.Instant) throws(AdmissionError) -> [UInt8] {
        var searched = 0
        while true {
            if let stop = received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(received[..<stop])
                received.removeFirst(stop + 1)
                return line
            }
            searched = received.count
            guard received.count < limit else {
                throw AdmissionError(description: "the answer has more than \(limit) bytes")
            }
            try waitFor(CInt(POLLIN), until: end)
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            let count = recv(socket, &chunk, chunk.count, CInt(MSG_DONTWAIT))
            guard count != 0 else { throw AdmissionError(description: "the program ended without an answer") }
            guard count > 0 || errno == EAGAIN || errno == EINTR else { throw Self.failure("recv", errno) }
            received += chunk.prefix(max(count, 0))
        }
    }

    /// Ends the program.
    func end() {
        close(socket)
        program.cancel()
    }

    private func waitFor(_ events: CInt, until end: ContinuousClock.Instant) throws(AdmissionError) {
        while true {
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else { throw AdmissionError(description: "no answer within the deadline") }
            var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
            let wait = CInt(
                clamping: left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            )
            let count = poll(&entry, 1, min(wait, 60_000) + 1)
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw Self.failure("poll", errno) }
        }
    }

    private static func failure(_ what: String, _ code: CInt) -> AdmissionError {
        AdmissionError(description: "\(what): \(String(cString: strerror(code)))")
    }
}
