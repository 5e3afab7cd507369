import GPUNode

/// `/proc/driver/nvidia/version`, whose first line is the loaded module's word on itself.
///
///     NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.158.01  Release Build  (dvs-builder@U22)  …
///     NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 06:54:38 UTC 2025
enum RunningModuleFile {
    static func read(_ root: HostRoot) -> Reading<RunningModule> {
        root.reading("/proc/driver/nvidia/version", parse: parse)
    }

    static func parse(_ text: String) -> RunningModule? {
        guard let line = text.split(whereSeparator: \.isNewline).first(where: { $0.hasPrefix("NVRM version:") }),
            line.contains("Kernel Module"),
            let version = line.split(separator: " ").first(where: { DriverVersion.isVersion($0) })
        else { return nil }
        return RunningModule(
            version: String(version),
            flavour: line.contains("Open Kernel Module") ? .open : .proprietary
        )
    }
}

/// The form of a driver's version: two or three numbers with points between them.
enum DriverVersion {
    static func isVersion(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return (2...3).contains(parts.count) && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }
    }

    /// `580.105.08` of `libcuda.so.580.105.08`; nil for a name without a version.
    static func ofLibrary(_ fileName: String) -> String? {
        guard let stem = fileName.firstRange(of: ".so.") else { return nil }
        let version = fileName[stem.upperBound...]
        return isVersion(version) ? String(version) : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
