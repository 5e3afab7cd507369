package import NodeModel

/// Looks for the traces of those who own, or claim, the driver of this host.
///
/// Keep one for all looks: a read that hangs then keeps one thread, and not one for each look.
package struct ClaimProbe: Sendable {
    let root: HostRoot
    let commands: HostCommands?
    /// How long each read of files may take.
    var fileDeadline = Duration.seconds(10)
    // One for each place that can hang by itself: the disk, what containers mount, the processes.
    private let files = ReadQueue()
    private let databases = ReadQueue()
    private let containers = ReadQueue()
    private let processes = ReadQueue()

    /// Without `commands` nothing is run, so that a tree copied from a node can stand for it.
    package init(root: HostRoot, commands: HostCommands?) {
        self.root = root
        self.commands = commands
    }

    var packages: PackageProbe {
        PackageProbe(root: root, commands: commands, fileDeadline: fileDeadline, files: databases)
    }

    /// The traces on the host; what the Node's labels say is not seen from here.
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
            nodeLabels: .skipped("no cluster was asked")
        )
    }
}
