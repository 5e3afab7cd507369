/// A change of the MIG layout of one GPU, as the child process gets it.
package struct MIGChange: Codable, Sendable, Equatable {
    /// The UUID of the GPU, because its index can change with a reset.
    package var uuid: String
    package var steps: [MIGStep]

    package init(uuid: String, steps: [MIGStep]) {
        (self.uuid, self.steps) = (uuid, steps)
    }
}

/// How far a change of a MIG layout came.
package struct MIGChangeResult: Codable, Sendable, Equatable {
    /// The number of steps that the driver accepted.
    ///
    /// Whether the GPU has the layout now, only a new reading tells.
    package var done: Int
    /// The error of the first step that failed: the function, the code and its name.
    package var failure: String?
    /// NVML's code of this error; nil for another kind of error.
    package var code: Int?
    /// Why a new MIG mode is not active yet, as NVML's code; nil when it is.
    package var pending: Int?

    package init(done: Int, failure: String? = nil, code: Int? = nil, pending: Int? = nil) {
        self.done = done
        self.failure = failure
        self.code = code
        self.pending = pending
    }
}
