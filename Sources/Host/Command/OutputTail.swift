import Subprocess
import Synchronization

/// The end of a process's output, in limited memory.
final class OutputTail: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    private let limit: Int

    init(limit: Int = 64 * 1024) {
        self.limit = limit
    }

    var text: String { String(decoding: bytes.withLock { $0.suffix(limit) }, as: UTF8.self) }

    func append(_ more: some Sequence<UInt8>) {
        bytes.withLock { bytes in
            bytes.append(contentsOf: more)
            if bytes.count > 2 * limit { bytes.removeFirst(bytes.count - limit) }
        }
    }

    /// Reads a stream to its end.
    func collect(_ stream: SubprocessOutputSequence) async throws {
        for try await buffer in stream { append(buffer.withUnsafeBytes(Array.init)) }
    }
}
