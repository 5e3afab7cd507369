import SystemPackage

/// Checks that a command can be started with its pipes.
///
/// The library Subprocess ends the whole process when it can open only some of the descriptors for a command. So the
/// agent first opens more than that, and closes them again.
enum SpareDescriptors {
    /// More descriptors than a command needs: two for each of three pipes, `/dev/null`, the child process, and the pipe
    /// that reports a failed start.
    static let count = 16

    /// - Throws: The reason why the agent cannot open `/dev/null` this many times, such as too many open files.
    static func check() throws(Errno) {
        var opened: [FileDescriptor] = []
        defer {
            // There is nothing to write, so a failed close loses nothing.
            for descriptor in opened { try? descriptor.close() }
        }
        for _ in 0..<count {
            do { opened.append(try FileDescriptor.open("/dev/null", .readWrite, options: .closeOnExec)) } catch {
                throw (error as? Errno) ?? .ioError
            }
        }
    }
}
