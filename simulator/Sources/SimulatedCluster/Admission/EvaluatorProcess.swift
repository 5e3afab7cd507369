import Glibc

/// A running program that answers each line of its input with one line, and the socket that is its input and output.
struct EvaluatorProcess: Sendable {
    private let pid: pid_t
    private let socket: CInt
    private var received: [UInt8] = []

    /// Starts the program.
    ///
    /// The program ends when this process ends, because the end of the socket is the end of its input.
    init(_ command: [String]) throws(AdmissionError) {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Self.failure("socketpair", errno) }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        // The program must not keep the sockets of the server open. The close of a number that is not open has no
        // effect.
        for number in (STDERR_FILENO + 1)..<CInt(min(sysconf(CInt(_SC_OPEN_MAX)), 4096)) {
            posix_spawn_file_actions_addclose(&actions, number)
        }
        let path = "PATH=" + (getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin")
        let texts = (command.map { strdup($0) } + [nil], [strdup(path), nil])
        defer { (texts.0 + texts.1).forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, command.first ?? "", &actions, nil, texts.0, texts.1)
        guard code == 0 else {
            close(ends[0])
            throw Self.failure("cannot start \(command.first ?? "no program")", code)
        }
        self.pid = pid
        socket = ends[0]
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

    /// Kills the program.
    func end() {
        close(socket)
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
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
