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
            if container.hasMarker { container.markerProblem = markerProblem(root) }
            return container
        }
    }

    /// What the validator of the GPU Operator cannot read in the marker, as a clause; nil when it can read all of it.
    ///
    /// It reads the file as a YAML map of booleans.
    private static func markerProblem(_ root: HostRoot) -> String? {
        let text: String
        do throws(HostError) { text = try root.text(marker, limit: 65536) ?? "" } catch { return "\(error)" }
        return text.split(separator: "\n").map(\.trimmed).first { !isBoolean($0) }
            .map { "'\($0.prefix(80))' is not a name with true or false" }
    }

    /// Whether a line of YAML is a name with a boolean or without a value, or has no content.
    private static func isBoolean(_ line: String) -> Bool {
        let content = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0].trimmed
        guard !content.isEmpty, content != "---", content != "{}" else { return true }
        let parts = content.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
        return parts.count == 2 && ["true", "false", ""].contains(parts[1].lowercased())
            && parts[0].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) }
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
