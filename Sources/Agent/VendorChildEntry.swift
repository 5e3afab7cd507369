import VendorProbe

/// What the hidden command `vendor-probe` runs: the process that calls NVIDIA's libraries.
package enum VendorChildEntry {
    /// Answers the agent's questions until standard input ends.
    ///
    /// - Parameters:
    ///   - nvml: the path of `libnvidia-ml.so.VERSION`, when NVML will be asked.
    ///   - cuda: the path of `libcuda.so.VERSION`, when CUDA will be asked.
    /// - Returns: the exit code of the process.
    package static func run(nvml: String?, cuda: String?) -> Int32 {
        VendorChild.run(libraries: VendorLibraries(nvml: nvml, cuda: cuda))
    }
}
