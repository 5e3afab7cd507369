import FoundationEssentials
import Glibc
import Support
package import SystemPackage

/// The paths of the driver's libraries; nil for a library that the host does not have.
package struct VendorLibraries: Sendable, Equatable {
    /// `libnvidia-ml.so.VERSION`.
    package var nvml: String?
    /// `libcuda.so.VERSION`.
    package var cuda: String?
    /// The Vulkan loader, `libvulkan.so.1`.
    package var vulkan: String?
    /// The file that names the Vulkan driver of NVIDIA, `nvidia_icd.json`; nil leaves the choice to the loader.
    package var vulkanDriver: String?
    /// The library that this file names by a path of the host, as the agent opens it; nil when it has only a name.
    package var vulkanLibrary: VulkanDriverLibrary?

    package init(
        nvml: String?,
        cuda: String?,
        vulkan: String? = nil,
        vulkanDriver: String? = nil,
        vulkanLibrary: VulkanDriverLibrary? = nil
    ) {
        self.nvml = nvml
        self.cuda = cuda
        self.vulkan = vulkan
        self.vulkanDriver = vulkanDriver
        self.vulkanLibrary = vulkanLibrary
    }
}

/// The library of a Vulkan driver, for a file that names it.
package struct VulkanDriverLibrary: Sendable, Equatable {
    package var path: String
    /// The version of Vulkan, such as `1.4.312`; nil when the file of the host gives none.
    package var version: String?

    package init(path: String, version: String?) {
        self.path = path
        self.version = version
    }
}

/// The child process that calls NVIDIA's libraries for the agent.
///
/// Such a call can hang or crash the process. So the agent starts its program a second time and sends requests to its
/// standard input. When no answer arrives on its standard output, the agent continues without it.
package enum VendorChild {
    /// Answers requests until the input ends.
    ///
    /// It replaces standard input with an empty file and standard output with standard error, so that the output of a
    /// library does not mix with the answers.
    ///
    /// - Returns: The exit code: 0 at the end of the input, 1 when a request could not be decoded or answered.
    package static func run(
        libraries: VendorLibraries,
        input: FileDescriptor = .standardInput,
        output: FileDescriptor = .standardOutput
    ) -> Int32 {
        guarded(input, output) { requests, answers in
            // The input also ends when the agent dies, and then nobody else ends the helper processes of a library.
            defer { if isWithoutReader(answers) { endGroup() } }
            endWithReader(of: answers)
            // When nobody reads the notes, nobody reads the answer either.
            let reporter = VendorReporter { line in _ = try? answers.writeAll(line) }
            try serve(requests, answers, VendorResponder(libraries: libraries, reporter: reporter))
        }
    }

    /// Calls `work` with the input and the output, in a process that a library cannot make harmful.
    ///
    /// - Returns: The exit code: 0, or 1 when `work` throws.
    static func guarded(
        _ input: FileDescriptor,
        _ output: FileDescriptor,
        _ work: (_ input: FileDescriptor, _ output: FileDescriptor) throws -> Void
    ) -> Int32 {
        do {
            nameProcess()
            // Nobody needs a core dump of the child process.
            var none = rlimit(rlim_cur: 0, rlim_max: 0)
            setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
            // A library that allocates without end must not take the memory of the node.
            var memory = rlimit(rlim_cur: rlim_t(vendorMemoryLimit), rlim_max: rlim_t(vendorMemoryLimit))
            setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &memory)
            // An answer to an agent that is gone must not end this process before its group.
            signal(SIGPIPE, SIG_IGN)
            let (requests, answers) = (try takeAway(input), try takeAway(output))
            let empty = try FileDescriptor.open("/dev/null", .readOnly)
            _ = try empty.duplicate(as: .standardInput)
            _ = try FileDescriptor.standardError.duplicate(as: .standardOutput)
            try work(requests, answers)
            return 0
        } catch {
            _ = try? FileDescriptor.standardError.writeAll("vendor-probe: \(errorChain(error))\n".utf8)
            return 1
        }
    }

    /// Names this process as an agent; without the name, nobody would count it when it hangs (`KilledProcesses`).
    private static func nameProcess() {
        guard let name = try? FileDescriptor.open("/proc/self/comm", .writeOnly) else { return }
        _ = try? name.closeAfter { try name.writeAll(KilledProcesses.name.utf8) }
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

    /// Duplicates the descriptor with a number above standard error, closed on exec.
    ///
    /// Libraries do not print to it, and programs that they start do not inherit it.
    private static func takeAway(_ descriptor: FileDescriptor) throws(Errno) -> FileDescriptor {
        let copy = fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw Errno(rawValue: errno) }
        return FileDescriptor(rawValue: copy)
    }

    /// Ends this process when the reader of the answers is gone, even during a call that hangs.
    private static func endWithReader(of answers: FileDescriptor) {
        var thread = pthread_t()
        pthread_create(
            &thread,
            nil,
            { context in
                // Without requested events, poll returns only when the other end is closed.
                var entry = pollfd(fd: Int32(Int(bitPattern: context)), events: 0, revents: 0)
                while poll(&entry, 1, -1) < 0 {}
                endGroup()
                _exit(0)
            },
            UnsafeMutableRawPointer(bitPattern: Int(answers.rawValue))
        )
    }
}

/// Whether the other end of a socket is closed.
private func isWithoutReader(_ socket: FileDescriptor) -> Bool {
    var entry = pollfd(fd: socket.rawValue, events: 0, revents: 0)
    return poll(&entry, 1, 0) > 0
}

/// Kills the process group of this process, and so the process itself.
///
/// The agent starts its child process as the leader of a group. In a group of a shell it does nothing.
func endGroup() {
    if getpgrp() == getpid() { kill(0, SIGKILL) }
}
