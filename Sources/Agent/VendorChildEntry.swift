import VendorProbe

/// The entry point of `gpu-agent vendor-probe`: the process that calls NVIDIA's libraries.
///
/// It is not a command of the argument parser, because the agent starts it several times for each inspection, and the
/// parser takes longer than the start of the process.
///
/// With `--events`, it does not answer requests, but waits for the events of NVML.
package enum VendorChildEntry {
    /// Answers the agent's requests until standard input ends.
    ///
    /// - Parameter arguments: The arguments of the process after its name: `vendor-probe`, then `--nvml PATH`,
    ///   `--nvml PATH --events` or `--cuda PATH`, or `--vulkan PATH` and `--vulkan-driver PATH`.
    /// - Returns: The exit code of the process; nil when these are not the arguments of such a process.
    package static func run(_ arguments: some Collection<String>) -> Int32? {
        guard arguments.first == "vendor-probe" else { return nil }
        var libraries = VendorLibraries(nvml: nil, cuda: nil)
        let words = Array(arguments.dropFirst())
        if words.count == 3, words[0] == "--nvml", words[2] == "--events" {
            return VendorChild.waitForEvents(nvml: words[1])
        }
        var rest = words[...]
        while let option = rest.popFirst() {
            guard let path = rest.popFirst() else { return nil }
            switch option {
            case "--nvml": libraries.nvml = path
            case "--cuda": libraries.cuda = path
            case "--vulkan": libraries.vulkan = path
            case "--vulkan-driver": libraries.vulkanDriver = path
            default: return nil
            }
        }
        return VendorChild.run(libraries: libraries)
    }
}
