import FoundationEssentials
import Glibc
package import SystemPackage

/// The libraries of the driver, by the paths they are opened with; nil for one that the host does not have.
package struct VendorLibraries: Sendable, Equatable {
    /// `libnvidia-ml.so.VERSION`.
    package var nvml: String?
    /// `libcuda.so.VERSION`.
    package var cuda: String?

    package init(nvml: String?, cuda: String?) {
        self.nvml = nvml
        self.cuda = cuda
    }
}

/// The process that calls NVIDIA's libraries in the agent's place.
///
/// Such a call can hang for ever, or bring its process down. So the agent starts itself once more, asks over this
/// process's standard input and output, and can do without the answer.
package enum VendorChild {
    /// Answers requests until the input ends.
    ///
    /// Takes the process over: standard input becomes empty and standard output becomes standard error, so that
    /// nothing a library prints gets among the answers.
    ///
    /// - Returns: the exit code: 0 at the end of the input, 1 when a request could not be understood or answered.
    package static func run(
        libraries: VendorLibraries,
        input: FileDescriptor = .standardInput,
        output: FileDescriptor = .standardOutput
    ) -> Int32 {
        do {
            // The memory of a crashed child is of no use to anyone.
            var none = rlimit(rlim_cur: 0, rlim_max: 0)
            setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
            let requests = try takeAway(input)
            let answers = try takeAway(output)
            let empty = try FileDescriptor.open("/dev/null", .readOnly)
            _ = try empty.duplicate(as: .standardInput)
            _ = try FileDescriptor.standardError.duplicate(as: .standardOutput)
            endWithReader(of: answers)
            try serve(requests, answers, VendorResponder(libraries: libraries))
            return 0
        } catch {
            _ = try? FileDescriptor.standardError.writeAll("vendor-probe: \(error)\n".utf8)
            return 1
        }
    }

    private static func serve(
        _ requests: FileDescriptor,
        _ answers: FileDescriptor,
        _ responder: VendorResponder
    ) throws {
        var lines = VendorLines()
        var responder = responder
        let size = 4096
        try withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { buffer in
            while true {
                let count = try requests.read(into: buffer)
                if count == 0 { return }
                lines.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                while let line = lines.next() {
                    let request = try JSONDecoder().decode(VendorRequest.self, from: Data(line))
                    try answers.writeAll(try responder.answer(request))
                }
            }
        }
    }

    /// A private copy of the descriptor, out of the way of a library's output and of programs that it starts.
    private static func takeAway(_ descriptor: FileDescriptor) throws(Errno) -> FileDescriptor {
        let copy = fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw Errno(rawValue: errno) }
        return FileDescriptor(rawValue: copy)
    }

    /// Ends this process when nobody will read the answers any more, also from the middle of a hanging call.
    private static func endWithReader(of answers: FileDescriptor) {
        var thread = pthread_t()
        pthread_create(
            &thread,
            nil,
            { context in
                // With no events asked for, poll returns when the other end is closed.
                var entry = pollfd(fd: Int32(Int(bitPattern: context)), events: 0, revents: 0)
                while poll(&entry, 1, -1) < 0 {}
                _exit(0)
            },
            UnsafeMutableRawPointer(bitPattern: Int(answers.rawValue))
        )
    }
}
