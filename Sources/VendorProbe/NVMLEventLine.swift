package import NodeModel

/// A line of the child process that waits for the events of NVML.
///
/// A line without any member only says that the process still waits.
package struct NVMLEventLine: Codable, Sendable, Equatable {
    /// A GPU, and whether the process waits for its events.
    package struct Source: Codable, Sendable, Equatable {
        /// The index of the GPU in NVML.
        package var index: Int
        /// The address of the GPU; nil when NVML does not tell it.
        package var address: PCIAddress?
        /// Why the process does not wait for its events; nil when it does.
        package var failure: String?

        package init(index: Int, address: PCIAddress? = nil, failure: String? = nil) {
            self.index = index
            self.address = address
            self.failure = failure
        }

        /// How a log names the GPU: by its address, which stays when NVML counts the GPUs anew, or by its index.
        package var name: String { address.map { "GPU \($0)" } ?? "GPU \(index)" }
    }

    /// All GPUs, when the process begins to wait.
    package var sources: [Source]?
    /// What happened.
    package var event: NVMLEvent?
    /// Why no GPU or driver of this node reports events; the process ends.
    package var unsupported: String?
    /// Why the process cannot go on; it ends.
    package var failure: ReadFailure?

    package init(
        sources: [Source]? = nil,
        event: NVMLEvent? = nil,
        unsupported: String? = nil,
        failure: ReadFailure? = nil
    ) {
        self.sources = sources
        self.event = event
        self.unsupported = unsupported
        self.failure = failure
    }

    /// The process still waits.
    static let alive = NVMLEventLine()
}

/// Why the agent no longer waits for the events of NVML.
package enum NVMLEventEnd: Sendable, Equatable {
    /// The task was canceled.
    case cancelled
    /// No GPU or driver of this node reports events, for this reason.
    case unsupported(String)
    case failed(ReadFailure)
}
