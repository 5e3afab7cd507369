import Glibc
import NodeModel
package import SystemPackage

extension VendorChild {
    /// How long one call waits for an event, in milliseconds.
    private static let slice: UInt32 = 1000
    /// After how many calls without an event the process says that it still waits.
    private static let quietSlices = 5

    /// Waits for the events of NVML, and writes a line for each, until the input ends.
    ///
    /// It also ends during a call of NVML, because the process holds the device nodes of the driver.
    ///
    /// - Parameters:
    ///   - nvml: The path of NVML.
    ///   - input: Its end ends this process. What it says does not matter.
    ///   - output: It gets the lines (`NVMLEventLine`).
    /// - Returns: The exit code: 0 after the last line, 1 when a line could not be written.
    package static func waitForEvents(
        nvml: String,
        input: FileDescriptor = .standardInput,
        output: FileDescriptor = .standardOutput
    ) -> Int32 {
        guarded(input, output) { input, output in
            endWith(input)
            let send = { (line: NVMLEventLine) in _ = try output.writeAll(try vendorLine(line)) }
            let library: NVMLLibrary
            do throws(LibraryError) {
                library = try NVMLLibrary(
                    path: nvml,
                    reporter: VendorReporter { line in _ = try? output.writeAll(line) }
                )
            } catch { return try send(NVMLEventLine(failure: error.failure)) }
            try waitForEvents(library, send)
        }
    }

    private static func waitForEvents(_ library: NVMLLibrary, _ send: (NVMLEventLine) throws -> Void) throws {
        do {
            try library.start()
            let set = try NVMLEventSet(library)
            guard !set.isEmpty else {
                let reasons = set.sources.map { "\($0.name): \($0.failure ?? "no events")" }
                let why = reasons.isEmpty ? "NVML lists no GPU" : reasons.prefix(8).joined(separator: "; ")
                return try send(NVMLEventLine(unsupported: why))
            }
            try send(NVMLEventLine(sources: set.sources))
            var quiet = 0
            while true {
                if let event = try set.next(milliseconds: slice) {
                    try send(NVMLEventLine(event: event))
                    quiet = 0
                } else {
                    quiet += 1
                    if quiet % quietSlices == 0 { try send(.alive) }
                }
            }
        } catch let error as NVMLError {
            guard case .call(_, let code) = error, [.notSupported, .functionNotFound].contains(code) else {
                return try send(NVMLEventLine(failure: error.failure))
            }
            try send(NVMLEventLine(unsupported: error.description))
        }
    }

    /// Ends this process when its input ends.
    private static func endWith(_ input: FileDescriptor) {
        var thread = pthread_t()
        pthread_create(
            &thread,
            nil,
            { context in
                let input = FileDescriptor(rawValue: Int32(Int(bitPattern: context)))
                withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
                    while let count = try? input.read(into: buffer), count > 0 {}
                }
                endGroup()
                _exit(0)
            },
            UnsafeMutableRawPointer(bitPattern: Int(input.rawValue))
        )
    }
}
