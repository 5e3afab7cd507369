package import Support

/// The result of CUDA in one child process.
package struct CUDAFacts: Codable, Sendable, Equatable {
    /// The value of `CUDA_VISIBLE_DEVICES` in the child process; nil when the variable was not set.
    package var visibleDevices: String?
    /// The first CUDA error code; 0 on success, and -1 when the child process did not answer.
    package var result: Int
    /// The name of that code, such as `CUDA_ERROR_NO_DEVICE`; nil on success.
    package var errorName: String?
    /// The function that returned that code, such as `cuInit`.
    ///
    /// Nil on success, and in facts of an earlier version of the agent.
    package var failedCall: String?
    /// The number of devices that CUDA finds; 0 when it does not initialize.
    package var deviceCount: Int
    /// What the devices computed.
    ///
    /// Skipped when the agent only initialized CUDA, with the reason. Absent when a call failed. Nil in facts of an
    /// earlier version of the agent.
    package var computation: Reading<CUDAComputation>?
    /// When a kernel last had the right results on this device, with the driver that is loaded now.
    ///
    /// The agent runs a kernel once in its life, so the computation is usually skipped. Nil when no kernel ran, and in
    /// facts of an earlier version of the agent.
    package var provenAt: Timestamp?
    /// Why the child process did not answer; nil when it did.
    package var fault: ReadFailure?

    package init(
        visibleDevices: String?,
        result: Int,
        errorName: String?,
        failedCall: String? = nil,
        deviceCount: Int,
        computation: Reading<CUDAComputation>? = nil
    ) {
        self.visibleDevices = visibleDevices
        self.result = result
        self.errorName = errorName
        self.failedCall = failedCall
        self.deviceCount = deviceCount
        self.computation = computation
    }

    /// A device whose child process did not answer.
    package init(visibleDevices: String?, fault: ReadFailure) {
        self.init(visibleDevices: visibleDevices, result: -1, errorName: nil, deviceCount: 0, computation: .absent)
        self.fault = fault
    }

    /// Whether CUDA works, as far as it was tested.
    package var works: Bool { result == 0 && deviceCount > 0 && !computesWrong }

    /// Whether a device gave values that are not the right ones.
    package var computesWrong: Bool { computation?.value?.isRight == false }
}

/// What the devices computed in a test of CUDA, compared with what they must compute.
package struct CUDAComputation: Codable, Sendable, Equatable {
    /// How many values came back from a device otherwise than they were copied to it.
    package var wrongCopies: Int
    /// How many values of the kernel are not the right ones.
    package var wrongResults: Int

    package init(wrongCopies: Int = 0, wrongResults: Int = 0) {
        self.wrongCopies = wrongCopies
        self.wrongResults = wrongResults
    }

    /// Whether all values are the right ones.
    package var isRight: Bool { wrongCopies == 0 && wrongResults == 0 }
}

/// How far the agent tests CUDA on a device.
package enum CUDATest: Sendable, Equatable {
    /// Initialize CUDA and count the devices, which takes no memory of a device; with the reason why the rest is left
    /// out, as a clause.
    case light(String)
    /// Run a kernel, too, and check its results.
    ///
    /// This takes some hundred MiB of the memory of a device for a moment.
    case full
}
