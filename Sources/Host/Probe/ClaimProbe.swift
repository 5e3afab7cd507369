package import NodeModel

/// Looks for traces of other owners of the driver on this host.
///
/// Use one probe for the lifetime of the agent: a read that hangs then occupies one thread, not one per inspection.
package struct ClaimProbe: Sendable {
    let root: HostRoot
    let commands: HostCommands?
    /// The time limit for each group of file reads.
    var fileDeadline = Duration.seconds(10)
    // One queue for each place that can hang independently: the disk, container mounts, the processes.
    private let files = ReadQueue()
    private let databases = ReadQueue()
    private let containers = ReadQueue()
    private let processes = ReadQueue()

    /// Without `commands`, nothing runs on the host.
    ///
    /// A directory tree that was copied from a node can then be examined.
    package init(root: HostRoot, commands: HostCommands?) {
        self.root = root
        self.commands = commands
    }

    var packages: PackageProbe {
        PackageProbe(root: root, commands: commands, fileDeadline: fileDeadline, files: databases)
    }

    /// The processes that have a device node of the driver open.
    package func deviceUsers() async -> Reading<[DeviceUser]> {
        let root = root
        return await processes.read("/proc", within: fileDeadline) { Self.deviceUsers(root) }
    }

    /// The traces on the host.
    ///
    /// The labels of the Node are not among them.
    package func claimFacts() async -> ClaimFacts {
        let (root, limit) = (root, fileDeadline)
        async let found = packages.packages()
        async let runfile = files.read("\(Self.runfileLog)", within: limit) { Self.runfile(root) }
        async let dkms = files.read("\(Self.dkmsDirectory)", within: limit) { Self.dkmsTrees(root) }
        async let marker = files.read("\(Self.aksMarkerFile)", within: limit) { Self.aksMarker(root) }
        async let unit = files.read("the unit nvidia-gridd", within: limit) { Self.gridUnit(root) }
        async let container = containers.read("/run/nvidia", within: limit) { Self.driverContainer(root) }
        async let users = processes.read("/proc", within: limit) { Self.deviceUsers(root) }
        return ClaimFacts(
            packages: await found,
            runfile: await runfile,
            dkms: await dkms,
            aksMarker: await marker,
            driverContainer: await container,
            gridUnit: await unit,
            deviceUsers: await users,
            nodeLabels: .skipped("the agent did not query a cluster")
        ).bounded()
    }
}
