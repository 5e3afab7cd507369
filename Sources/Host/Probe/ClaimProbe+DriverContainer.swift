import NodeModel

extension ClaimProbe {
    private static let driverRoot: HostPath = "/run/nvidia/driver"
    private static let pidFile: HostPath = "/run/nvidia/nvidia-driver.pid"
    private static let validations: HostPath = "/run/nvidia/validations"

    /// What a driver container left below `/run/nvidia`; absent when nothing of it is there.
    static func driverContainer(_ root: HostRoot) -> Reading<DriverContainer> {
        reading { () throws(HostError) in
            let directory = try root.status(driverRoot)
            let hasPIDFile = try root.exists(pidFile)
            let files = try root.list(validations)
            guard directory != nil || hasPIDFile || files != nil else { return nil }
            let isMounted = try isContainerRoot(directory, root)
            return DriverContainer(
                isMounted: isMounted,
                version: isMounted ? try libraryVersion(root) : nil,
                hasPIDFile: hasPIDFile,
                validations: files ?? []
            )
        }
    }

    /// Whether another root file system than the host's own is on `/run/nvidia/driver`.
    ///
    /// It is when the directory is not empty, is another one than the host's `/` by device and inode, and the mount
    /// table of the host's first process has it as a mount point. A bind mount of `/`, by which a driver on the host is
    /// handed over to the GPU Operator, is the same directory; one that a driver container left behind is no mount
    /// point. In a tree without a mount table, such as one copied from a node, the first two decide.
    private static func isContainerRoot(
        _ directory: HostFileStatus?,
        _ root: HostRoot
    ) throws(HostError) -> Bool {
        guard let directory, directory.kind == .directory, directory.identity != (try root.status("/")?.identity),
            try root.list(driverRoot)?.isEmpty == false
        else { return false }
        // A node with many pods has thousands of mounts.
        guard let table = try root.text("/proc/1/mountinfo", limit: 32 << 20) else { return true }
        return isMountPoint(driverRoot, in: table)
    }

    /// Whether the table has the path as a mount point: the fifth field of a line, proc_pid_mountinfo(5).
    static func isMountPoint(_ path: HostPath, in table: String) -> Bool {
        table.split(separator: "\n").contains { line in
            line.split(separator: " ", maxSplits: 5).dropFirst(4).first.map { $0 == path.text } ?? false
        }
    }

    /// The version of the driver's library in the container, whose links mean its own root; nil without one.
    private static func libraryVersion(_ root: HostRoot) throws(HostError) -> String? {
        guard let container = try root.root(at: driverRoot) else { return nil }
        return LibraryProbe(root: container).library("libnvidia-ml.so.1").value?.version
    }
}
