import Glibc
package import SystemPackage

/// An open file descriptor with one owner.
///
/// It is closed when the value is destroyed.
package struct OpenFile: ~Copyable, Sendable {
    package let descriptor: FileDescriptor

    package init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
    }

    deinit {
        try? descriptor.close()
    }

    /// Passes the descriptor to the caller, who must close it.
    package consuming func release() -> FileDescriptor {
        let descriptor = self.descriptor
        discard self
        return descriptor
    }

    /// Reads from the current position to the end.
    ///
    /// Stops after more than `limit` bytes, so that the caller sees that the file is too large.
    func readAll(limit: Int) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(limit + 1, 64 * 1024))
        while bytes.count <= limit {
            let count = try retrying {
                buffer.withUnsafeMutableBytes { Glibc.read(descriptor.rawValue, $0.baseAddress, $0.count) }
            }
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return bytes
    }

    /// Reads `count` bytes at `offset`; fewer only at the end of the file.
    package func read(at offset: UInt64, count: Int) throws(Errno) -> [UInt8] {
        guard let start = off_t(exactly: offset), count >= 0 else { throw .invalidArgument }
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let more = try retrying {
                bytes.withUnsafeMutableBytes {
                    pread(descriptor.rawValue, $0.baseAddress?.advanced(by: done), count - done, start + off_t(done))
                }
            }
            if more == 0 { break }
            done += more
        }
        bytes.removeLast(count - done)
        return bytes
    }

    func writeAll(_ bytes: [UInt8]) throws(Errno) {
        var done = 0
        while done < bytes.count {
            done += try retrying {
                bytes.withUnsafeBytes {
                    Glibc.write(descriptor.rawValue, $0.baseAddress?.advanced(by: done), bytes.count - done)
                }
            }
        }
    }
}

/// Repeats a system call while a signal interrupts it.
///
/// Throws `errno` for a negative result.
@discardableResult
func retrying<Number: SignedInteger>(_ call: () -> Number) throws(Errno) -> Number {
    while true {
        let result = call()
        if result >= 0 { return result }
        let code = Errno(rawValue: errno)
        if code != .interrupted { throw code }
    }
}
