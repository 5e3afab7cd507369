import VendorProbe

/// The entry point of the hidden command `vendor-probe`: the process that calls NVIDIA's libraries.
package enum VendorChildEntry {
    /// Answers the agent's requests until standard input ends.
    ///
    /// - Parameters:
    ///   - nvml: The path of `libnvidia-ml.so.VERSION`; nil when the agent does not use NVML.
    ///   - cuda: The path of `libcuda.so.VERSION`; nil when the agent does not use CUDA.
    /// - Returns: The exit code of the process.

    package static func run(nvml: String?, cuda: String?) -> Int32 {
        VendorChild.run(libraries: VendorLibraries(nvml: nvml, cuda: cuda))
    }
}
