import Glibc

/// A TCP port of the loopback interface, which is bound until `close`.
struct LoopbackPort: Sendable {
    let number: Int
    private let descriptor: Int32

    init() throws {
        let own = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(own, raw, length) == 0 && getsockname(own, raw, &length) == 0
            }
        }
        guard isBound else {
            let code = errno
            Glibc.close(own)
            throw Failure("no port is free: \(code)")
        }
        descriptor = own
        number = Int(UInt16(bigEndian: address.sin_port))
    }

    /// Lets connections succeed.
    ///
    /// Nobody accepts them, so they get no answer.
    func listen() throws {
        guard Glibc.listen(descriptor, 16) == 0 else { throw Failure("cannot listen: \(errno)") }
    }

    func close() {
        Glibc.close(descriptor)
    }
}
