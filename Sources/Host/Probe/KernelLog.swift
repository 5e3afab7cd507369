package import NodeModel

/// Reads what the kernel log of the host says about NVIDIA's driver.
package struct KernelLog: Sendable {
    private let commands: HostCommands

    package init(commands: HostCommands) {
        self.commands = commands
    }

    /// The last lines about the driver, the oldest first; empty when there are none.
    package func lastLines() async throws(HostError) -> [String] {
        Self.lines(in: try await commands.run(["dmesg"], deadline: .seconds(5)).output)
    }

    /// The last lines about GPUs that do not work, the oldest first; empty when there are none.
    package func lastLines(about gpus: [PCIAddress]) async throws(HostError) -> [String] {
        Self.lines(in: try await commands.run(["dmesg"], deadline: .seconds(5)).output, about: gpus)
    }

    /// What every failed load writes, and every successful one: these lines do not say why a load failed.
    ///
    /// The second half refers to NVIDIA's documentation. It comes after the reason, in up to four lines.
    private static let general = [
        "probe routine failed", "devices were initialized", "nvidia-nvlink", "taints kernel", "tainting kernel",
        "module verification failed", "loading NVIDIA UNIX",
        "Please see", "Firmware' sections in", "graphics driver download page", "NVRM: www.nvidia.com.",
        "in this release's README", "Software documentation, available at", "rm_init_adapter failed",
    ]

    /// The last six lines about the driver that say something of their own.
    ///
    /// They are without their time, and have at most 200 characters. The driver writes one sentence in several lines.
    static func lines(in log: String) -> [String] {
        last(of: log) { line in
            ["NVRM", "nvidia", "nouveau"].contains { line.contains($0) }
                && !general.contains { line.contains($0) }
        }
    }

    /// The last six messages about each of these GPUs, each in one line of at most 400 characters.
    ///
    /// NVIDIA's driver, the PCI error handling (AER) and the kernel itself write them. What the driver said about the
    /// initialization before its last load is over, so it does not count.
    static func lines(in log: String, about gpus: [PCIAddress]) -> [String] {
        let names = gpus.prefix(maximumGPUs).map(\.withoutFunction)
        guard !names.isEmpty else { return [] }
        let lines = log.split(whereSeparator: \.isNewline).filter { line in
            KernelMessages.marks.contains { line.contains($0) }
                && (line.contains(KernelMessages.load) || !general.contains { line.contains($0) })
        }
        var counts: [String: Int] = [:]
        var seen: [String] = []
        for text in KernelMessages(lines.map { String(withoutTime($0).prefix(200)) }).texts.reversed() {
            guard let name = names.first(where: { text.contains($0) }), counts[name, default: 0] < 6,
                !seen.contains(text)
            else { continue }
            counts[name, default: 0] += 1
            seen.append(text)
        }
        return seen.reversed()
    }

    /// No machine has more GPUs of NVIDIA.
    private static let maximumGPUs = 32

    private static func last(of log: String, where isWanted: (Substring) -> Bool) -> [String] {
        let lines = log.split(whereSeparator: \.isNewline).filter(isWanted)
        var seen: [String] = []
        for line in lines.reversed() where seen.count < 6 {
            let text = String(withoutTime(line).prefix(200))
            if !seen.contains(text) { seen.append(text) }
        }
        return seen.reversed()
    }

    /// The line without the time in brackets at its start, such as `[   12.345678] `.
    ///
    /// When a message has several lines, dmesg indents all but the first, and writes no time there.
    private static func withoutTime(_ line: Substring) -> Substring {
        guard line.first == "[", let end = line.firstIndex(of: "]") else { return line.drop { $0 == " " } }
        return line[line.index(after: end)...].drop { $0 == " " }
    }
}
