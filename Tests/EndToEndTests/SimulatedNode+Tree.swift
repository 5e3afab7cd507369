import NodeModel
import Testing

extension SimulatedNode {
    /// All files that an install creates or may leave: a line with kind, mode, path and target for each file, and a
    /// line with the digest for each file of the driver.
    ///
    /// Kernel modules have no digest, because they contain the time of their build.
    func tree() async throws -> [String] {
        let digests = """
            grep '^/' /var/lib/nvidia/log 2>/dev/null | sort -u | while read -r file; do
                case $file in *.ko) ;; *) [ -h "$file" ] || sha256sum "$file" ;; esac
            done
            """
        return try await lines("\(Self.find("%y %m %p %l", in: Self.places + ["/run/gpu-agent", "/dev"])); \(digests)")
    }

    /// The same files with their sizes and times, to show that nothing was written.
    ///
    /// The lock is omitted.
    func writes() async throws -> [String] {
        try await lines(Self.find("%y %m %p %l %s %T@ %C@", in: Self.places))
    }

    /// The number of times that the kernel module `nvidia` was loaded since the host came up.
    ///
    /// An installer loads it twice: once to test the build, and once at the end.
    func moduleLoads() -> Int {
        (text("/var/log/kern.log") ?? "").split(separator: "\n")
            .count { $0.contains("Nvlink Core is being initialized") }
    }

    private static let places = [
        HostLayout.state, HostLayout.logs, "/var/lib/nvidia", "/etc/nvidia", "/usr/lib/nvidia", "/usr/src/nvidia*",
        "/lib/modules/", "/tmp", "/boot", HostLayout.workInUsr,
    ]

    private static func find(_ format: String, in places: [String]) -> String {
        """
        find \(places.joined(separator: " ")) -path /dev/pts -prune -o -printf '\(format)\\n' 2>/dev/null
        find /usr/bin /usr/lib/systemd/system /usr/lib/*-linux-gnu /etc/modprobe.d -maxdepth 1 \
        '(' -name '*nvidia*' -o -name '*cuda*' -o -name 'gpu-agent*' ')' -printf '\(format)\\n' 2>/dev/null
        """
    }

    private func lines(_ script: String) async throws -> [String] {
        try await run(["sh", "-c", "{ \(script)\n} | LC_ALL=C sort"]).split(separator: "\n").map(String.init)
    }
}

/// Expects two trees to be equal, and reports the lines that only one of them has.
func expectSame(
    _ tree: [String],
    _ expected: [String],
    _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let changes = tree.difference(from: expected).map { change in
        switch change {
        case .insert(_, let line, _): "+ \(line)"
        case .remove(_, let line, _): "- \(line)"
        }
    }
    guard !changes.isEmpty else { return }
    let place = comment.map { " (\($0))" } ?? ""
    Issue.record("the files differ\(place):\n\(changes.joined(separator: "\n"))", sourceLocation: sourceLocation)
}
