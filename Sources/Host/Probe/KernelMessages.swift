import Support

/// The messages about GPUs in the lines of a kernel log, each as one text.
///
/// NVIDIA's driver writes one sentence in several lines, and names the GPU in only one of them. A test of the line with
/// the address alone would lose the reason.
struct KernelMessages {
    /// The messages that can be about a GPU, the oldest first, without those that a later load of the driver made void.
    private(set) var texts: [String] = []

    /// Every line that counts contains one of these texts.
    static let marks = ["NVRM", "AER", "nvidia", "BAR "]
    /// What the driver writes when its load begins, before it looks at the GPUs.
    static let load = "nvidia-nvlink: Nvlink Core is being initialized"

    /// - Parameter lines: The lines of the log without their times, the oldest first.
    init(_ lines: [String]) {
        // How many further lines the last message can have.
        var rest = 0
        for line in lines {
            if line.hasPrefix(Self.load) {
                texts.removeAll { text in
                    (text.hasPrefix(Self.driver) || Self.isAboutFirmware(text))
                        && !Self.lasting.contains(where: text.contains)
                }
                rest = 0
            } else if rest > 0, let beginning = texts.last, Self.continues(beginning, line) {
                texts.removeLast()
                let text = String(line.dropFirst(Self.driver.count)).drop { $0 == " " }
                texts.append(String("\(beginning) \(text)".prefix(400)))
                rest = line.hasSuffix(".") || Self.namesFunction(line) ? 0 : rest - 1
            } else {
                add(line)
                rest = !line.hasSuffix(".") && Self.beginnings.contains(where: line.contains) ? 4 : 0
            }
        }
        texts.removeAll { text in !Self.counts(text) }
    }

    /// Adds a line that begins a message, with the lines before it that say why a GPU failed and do not name it.
    private mutating func add(_ line: String) {
        guard let limit = Self.reasonLines(before: line) else { return texts.append(line) }
        var reasons: [String] = []
        while reasons.count < limit, let last = texts.last, last.hasPrefix(Self.driver), !Self.namesFunction(last) {
            texts.removeLast()
            reasons.insert(last, at: 0)
        }
        texts.append(String((reasons + [line]).joined(separator: "; ").suffix(400)))
    }

    private static let driver = "NVRM:"

    /// The beginnings of messages of several lines.
    private static let beginnings = [
        "NVRM: The NVIDIA GPU ", "NVRM: The NVIDIA vGPU ", "NVRM: This PCI I/O region",
        "NVRM: request_mem_region failed",
    ]

    /// What remains true when the driver is loaded again: errors of the hardware.
    private static let lasting = ["Xid", "fallen off the bus"]

    /// How many lines before this one can say why; nil when the line is not the end of a failure.
    private static func reasonLines(before line: String) -> Int? {
        if line.contains("RmInitAdapter failed") { return 2 }
        // The driver does not say which GPU's registers it could not claim. The kernel does, in the next line.
        return line.hasPrefix("nvidia") && line.contains("probe") && line.contains("failed with error") ? 1 : nil
    }

    /// Whether a message says something about a GPU of NVIDIA.
    private static func counts(_ text: String) -> Bool {
        if text.contains("NVRM") || text.contains("AER") { return true }
        if isAboutFirmware(text) { return true }
        return text.contains(": BAR ") && text.contains("no space") && !text.contains("[io ")
    }

    /// Whether NVIDIA's driver asks for its firmware.
    ///
    /// nouveau asks for other files below `nvidia/`.
    private static func isAboutFirmware(_ text: String) -> Bool {
        text.hasPrefix("nvidia ")
            && (text.contains("firmware load for nvidia/") || text.contains("loading /lib/firmware/nvidia/"))
    }

    /// Whether a line can be the next one of a message.
    ///
    /// Several GPUs can fail at once. A line that names another GPU than the message begins a message of its own.
    private static func continues(_ beginning: String, _ line: String) -> Bool {
        guard line.hasPrefix(driver) else { return false }
        let (named, other) = (functions(in: beginning), functions(in: line))
        return named.isEmpty || other.isEmpty || !named.isDisjoint(with: other)
    }

    private static func namesFunction(_ text: String) -> Bool { !functions(in: text).isEmpty }

    /// The PCI functions that a text names, such as `0000:3b:00`.
    private static func functions(in text: String) -> Set<String> {
        let words = text.split { !($0.isHexDigit || $0 == ":") }
        let names = words.compactMap { word -> String? in
            let parts = word.split(separator: ":").suffix(3)
            guard let domain = parts.first, domain.count >= 4, parts.dropFirst().map(\.count) == [2, 2],
                parts.allSatisfy({ isDigits($0, radix: 16) })
            else { return nil }
            return parts.joined(separator: ":").lowercased()
        }
        return Set(names)
    }
}
