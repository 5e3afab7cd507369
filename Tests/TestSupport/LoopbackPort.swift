import Glibc
import Support

/// A TCP port of the loopback interface, which is bound until `close`.
///
/// Until `listen`, connections to it are refused, and no other process can take it.
package struct LoopbackPort: Sendable {
    package let number: Int
    /// The socket, for a test that accepts connections itself.
    package let descriptor: Int32

    package init() throws {
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
            throw MessageError("no port is free: \(code)")
        }
        descriptor = own
        number = Int(UInt16(bigEndian: address.sin_port))
    }

    /// Lets connections succeed.
    ///
    /// Nobody accepts them, so they get no answer.
    package func listen() throws {
        guard Glibc.listen(descriptor, 16) == 0 else { throw MessageError("cannot listen: \(errno)") }
    }

    package func close() {
        Glibc.close(descriptor)
    }
}
