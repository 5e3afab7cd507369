import NodeModel

/// Recognizes a full file system in what a program says.
enum FullDisk {
    static let remedy: Remedy =
        "Free up space on the node ('df -h' shows the full file system), and run the command again."

    /// The words of the C library, of the archives of NVIDIA's installer, of apt-get, and of rpm with dnf and zypper.
    private static let words = [
        "No space left on device", "Disk quota exceeded", "Not enough space left in ", "enough free space in ",
        "more space needed on the ",
    ]

    /// The first line that says that a file system is full; nil when there is none.
    static func line(in text: String) -> String? {
        let line = text.split(whereSeparator: \.isNewline).first { line in words.contains { line.contains($0) } }
        return line.map { String($0.split(separator: " ").joined(separator: " ").prefix(300)) }
    }
}

extension Finding {
    /// The problem that a file system of the node is full.
    static func fullDisk(_ observed: String, _ remedy: Remedy) -> Finding {
        Finding(.diskSpace, observed: observed, expected: "free space on the file system", remedy: remedy)
    }
}
