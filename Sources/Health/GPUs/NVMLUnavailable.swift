package import NodeModel

extension ReasonCode {
    package static let nvmlUnavailable = ReasonCode("nvml-unavailable")
}

extension Check {
    static let nvmlUnavailable = Check(
        .nvmlUnavailable,
        title: "NVML responds",
        group: .gpus,
        phase: .use,
        dependsOn: [.gpuMemoryRegions, .driverVersionSplit, .driverNotLoaded, .deviceNodesMissing, .nvmlHang],
        // NVML fails for some seconds while the modules are reloaded.
        settlesWithin: .seconds(30),
        meaning: "The host has no NVML library (`libnvidia-ml.so.1`), or NVML returns an error. If only the call for "
            + "the CUDA version fails, the finding is a warning.",
        advice: "The remedy of the finding depends on the error code of NVML, or on why the library does not load. For "
            + "most codes, read the kernel log and look for lines with `NVRM`. If the library is missing, install the "
            + "driver's libraries on the host, or remove the driver."
    ) { node in
        guard node.shouldAnswer, node.nvmlHang == nil else { return nil }
        let expected = "a response"
        switch node.nvmlReading {
        case .present(let nvml):
            // A driver that does not support the call can still run CUDA.
            if let failure = nvml.cudaVersion.failure, NVMLFailure(failure)?.kind != .absence {
                return .warning(
                    "NVML cannot report the CUDA version of driver \(nvml.driverVersion): \(failure.detail)",
                    expected: expected,
                    remedy: .driver(failure, on: node)
                )
            }
            let cuda = nvml.cudaVersion.value ?? "unknown"
            return .passed("driver \(nvml.driverVersion), CUDA \(cuda)", expected: expected)
        case .absent, .absentBecause:
            return .failed("The host has no libnvidia-ml.so.1.", expected: expected, remedy: .completeDriver)
        case .skipped(let why):
            return .skipped(why, expected: expected, remedy: .askOnTheNode)
        case .unreadable(let failure) where failure.isOurOwn:
            return .unknown(failure.detail, expected: expected, remedy: .querying(failure))
        case .unreadable(let failure):
            return .failed(failure.detail, expected: expected, remedy: .driver(failure, on: node))
        }
    }
}
