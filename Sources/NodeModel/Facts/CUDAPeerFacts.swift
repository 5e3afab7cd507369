/// The test of peer access: whether GPUs that NVLink connects can use each other's memory.
package struct CUDAPeerFacts: Codable, Sendable, Equatable {
    /// The pairs of GPUs that NVLink connects.
    package var pairs: [CUDAPeerPair]

    package init(pairs: [CUDAPeerPair]) {
        self.pairs = pairs
    }

    /// The most GPUs that are tested with each other; no machine has more.
    package static let gpuLimit = 16
}

/// Two GPUs that NVLink connects, and what a copy from the memory of each to that of the other showed.
package struct CUDAPeerPair: Codable, Sendable, Equatable {
    /// The UUIDs of the GPUs.
    package var first: String
    package var second: String
    /// What does not work; empty when both directions work, and when the pair was not tested.
    package var failures: [CUDAPeerFailure]
    /// Why the pair was not tested, as a clause; nil when it was.
    package var untested: String?

    package init(first: String, second: String, failures: [CUDAPeerFailure] = [], untested: String? = nil) {
        self.first = first
        self.second = second
        self.failures = failures
        self.untested = untested
    }

    /// Whether both directions were tested and work.
    package var works: Bool { failures.isEmpty && untested == nil }
}

/// What does not work from one GPU to another: a call failed, access was refused, or the copy was wrong.
package struct CUDAPeerFailure: Codable, Sendable, Equatable {
    /// The UUID of the GPU from which was copied, or of the only GPU that the call was about.
    package var from: String
    /// The function of CUDA that failed or refused, such as `cuCtxEnablePeerAccess`; nil when the copy was wrong.
    package var call: String?
    /// The error code of CUDA; 0 when `cuDeviceCanAccessPeer` answered that there is no access.
    package var result: Int
    /// The name of that code, such as `CUDA_ERROR_PEER_ACCESS_UNSUPPORTED`; nil for 0.
    package var errorName: String?
    /// How many of the copied values of 4 bytes are wrong.
    package var wrongValues: Int
    /// Whether the call was about this GPU alone, such as one for its memory; nil when it was about both GPUs.
    package var isAlone: Bool?

    package init(
        from: String,
        call: String? = nil,
        result: Int = 0,
        errorName: String? = nil,
        wrongValues: Int = 0,
        isAlone: Bool? = nil
    ) {
        self.from = from
        self.call = call
        self.result = result
        self.errorName = errorName
        self.wrongValues = wrongValues
        self.isAlone = isAlone
    }
}
