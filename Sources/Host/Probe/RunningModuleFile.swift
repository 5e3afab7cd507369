import NodeModel

/// `/proc/driver/nvidia/version`, whose first line describes the loaded kernel module.
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
            let version = line.split(separator: " ").map(String.init).first(where: { DriverVersion($0) != nil })
        else { return nil }
        return RunningModule(
            version: version,
            kernelModuleType: line.contains("Open Kernel Module") ? .open : .proprietary
        )
    }
}
