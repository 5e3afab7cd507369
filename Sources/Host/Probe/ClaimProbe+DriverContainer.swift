import NodeModel

extension ClaimProbe {
    private static let driverRoot: HostPath = "/run/nvidia/driver"
    private static let pidFile: HostPath = "/run/nvidia/nvidia-driver.pid"
    private static let validations: HostPath = "/run/nvidia/validations"
    private static let marker: HostPath = "/run/nvidia/validations/.driver-ctr-ready"

    /// The state that a driver container has below `/run/nvidia`; absent when there is none.
    static func driverContainer(_ root: HostRoot) -> Reading<DriverContainer> {
        reading { () throws(HostError) in
            let directory = try root.status(driverRoot)
            let hasPIDFile = try root.exists(pidFile)
            let files = try root.list(validations)
            guard directory != nil || hasPIDFile || files != nil else { return nil }
            let isMounted = try isContainerRoot(directory, root)
            var container = DriverContainer(
                isMounted: isMounted,
                version: isMounted ? try libraryVersion(root) : nil,
                hasPIDFile: hasPIDFile,
                validations: files ?? []
            )
            container.isHostRoot = directory == nil ? false : directory?.identity == (try root.status("/")?.identity)
            if container.hasMarker { container.markerProblem = problem(ofMarker: try root.text(marker, limit: 65536)) }
            return container
        }
    }

    /// The first line of the marker that is not of the form `NAME: true`; nil when there is none.
    ///
    /// The validator of the GPU Operator reads the file as a YAML map of booleans.
    static func problem(ofMarker text: String?) -> String? {
        let lines = (text ?? "").split(separator: "\n").map(\.trimmed)
        return lines.first { line in
            guard !line.isEmpty, !line.hasPrefix("#"), line != "---", line != "{}" else { return false }
            let parts = line.split(separator: ":", maxSplits: 1).map(\.trimmed)
            return parts.count != 2 || !["true", "false"].contains(parts[1].lowercased())
                || !parts[0].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        }.map { String($0.prefix(80)) }
    }

    /// Whether the root file system of a container is mounted on `/run/nvidia/driver`.
    ///
    /// Three conditions must hold: the directory is not empty, it is not the host's `/` (by device and inode), and it
    /// is a mount point in the mount table of PID 1. A bind mount of `/`, which hands the host's driver over to the GPU
    /// Operator, fails the second condition. A directory that a driver container left behind fails the third. A copied
    /// tree has no mount table; there, the first two conditions decide.
    private static func isContainerRoot(
        _ directory: HostFileStatus?,
        _ root: HostRoot
    ) throws(HostError) -> Bool {
        guard let directory, directory.kind == .directory, directory.identity != (try root.status("/")?.identity),
            try root.list(driverRoot)?.isEmpty == false
        else { return false }
        // A node with many pods has thousands of mounts, hence the high limit.
        guard let table = try root.text("/proc/1/mountinfo", limit: 32 << 20) else { return true }
        return isMountPoint(driverRoot, in: table)
    }

    /// Whether the path is a mount point in the table.
    ///
    /// It is the fifth field of a line; see proc_pid_mountinfo(5).
    static func isMountPoint(_ path: HostPath, in table: String) -> Bool {
        table.split(separator: "\n").contains { line in
            line.split(separator: " ", maxSplits: 5).dropFirst(4).first.map { $0 == path.text } ?? false
        }
    }

    /// The version of the NVML library in the container, with links resolved in the container's root; nil without one.
    private static func libraryVersion(_ root: HostRoot) throws(HostError) -> String? {
        guard let container = try root.root(at: driverRoot) else { return nil }
        return LibraryProbe(root: container).library("libnvidia-ml.so.1").value?.version
    }
}
