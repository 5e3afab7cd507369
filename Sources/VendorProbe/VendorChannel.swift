import Glibc
import Support
import SystemPackage

/// Why a child process could not be started.
enum SpawnError: CausedError {
    case channel(cause: Errno)
    case start(program: String, cause: Errno)

    var description: String {
        switch self {
        case .channel: "cannot create the channel to a child process"
        case .start(let program, _): "cannot start \(program)"
        }
    }

    var cause: (any Error)? {
        switch self {
        case .channel(let cause), .start(_, let cause): cause
        }
    }
}

/// Two connected sockets, closed on exec.
///
/// They are sockets rather than pipes because a write to a closed socket can suppress SIGPIPE.
struct VendorChannel {
    let near: FileDescriptor
    let far: FileDescriptor

    init() throws(SpawnError) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw .channel(cause: Errno(rawValue: errno))
        }
        near = FileDescriptor(rawValue: ends[0])
        far = FileDescriptor(rawValue: ends[1])
    }

    func close() {
        try? near.close()
        try? far.close()
    }
}

/// Sends without SIGPIPE and without an error when the other end is closed.
///
/// All messages are much smaller than the buffer of a socket, so sending does not block.
func sendQuietly(_ bytes: [UInt8], to socket: FileDescriptor) {
    _ = send(socket.rawValue, bytes, bytes.count, Int32(MSG_NOSIGNAL))
}

/// Cancels a blocking probe from another thread.
final class Cancellation: Sendable {
    private let channel: VendorChannel

    init() throws(SpawnError) {
        channel = try VendorChannel()
    }

    deinit {
        channel.close()
    }

    /// A descriptor that becomes readable when the task is canceled.
    var descriptor: FileDescriptor { channel.far }

    func cancel() {
        sendQuietly([0], to: channel.near)
    }
}
