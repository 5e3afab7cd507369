package import NodeModel

/// Starts the fabric manager, now and at boot.
///
/// Without it, CUDA does not initialize on a machine with NVSwitch. So this step comes before the check of the node. That
/// check decides whether the node works: a failed start is no failed install, and `fabric-manager-not-running` reports it.
package struct StartFabricManager: Operation {
    /// Whether the fabric manager also starts the NVLink subnet manager, which needs the kernel module `ib_umad`.
    package var hasSubnetManager: Bool
    /// Whether a file that the agent did not write is in the place of the file that loads the module at boot.
    package var isLoadedAtBoot: Bool

    package init(hasSubnetManager: Bool = false, isLoadedAtBoot: Bool = false) {
        self.hasSubnetManager = hasSubnetManager
        self.isLoadedAtBoot = isLoadedAtBoot
    }

    private static let unit = DriverService.Program.fabricManager.unit
    /// Not every kernel has the module: `nvlsm-missing` then says so.
    private static let loadModule = ["sh", "-c", "modprobe ib_umad || true"]

    package var id: StepID { .fabricManager }
    package var title: String { "start the fabric manager now and at boot" }
    package var changes: String {
        "the unit \(Self.unit)" + (writesFile ? ", and \(OwnFile.managementInterface)" : "")
    }
    package var deadlineSeconds: Int { 300 }
    package var effects: [Effect] {
        let file = Effect.writeFile(path: OwnFile.managementInterface, text: Self.moduleText)
        return (writesFile ? [file] : []) + (hasSubnetManager ? [.run([Self.loadModule])] : []) + [
            .run([DriverService.startAtBoot(Self.unit)])
        ]
    }
    package var failure: StepFailure {
        StepFailure(
            .driverServiceFailed,
            subject: "starting the fabric manager",
            remedy: "Read 'journalctl -u nvidia-fabricmanager' and /var/log/fabricmanager.log on the node, and correct "
                + "what they report. Then run 'gpu-agent install'."
        )
    }
    package var inverse: (any Operation)? { StopFabricManager() }

    private var writesFile: Bool { hasSubnetManager && !isLoadedAtBoot }

    /// The text of the file from which systemd loads the module at boot.
    private static let moduleText = "\(OwnFile.mark) the NVLink subnet manager needs this module.\nib_umad\n"
}

/// Stops the fabric manager, and leaves it out of the next boot.
package struct StopFabricManager: Operation {
    package init() {}

    package var id: StepID { .stopFabricManager }
    package var title: String { "stop the fabric manager" }
    package var changes: String { "the unit \(DriverService.Program.fabricManager.unit)" }
    package var disrupts: Bool { true }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] {
        let unit = DriverService.Program.fabricManager.unit
        return [.run([DriverService.disable(unit), OwnFile.removal(of: OwnFile.managementInterface)])]
    }
    package var failure: StepFailure { .uninstall }
}

/// Starts IMEX, now and at boot.
///
/// Only a person knows the nodes of a domain. So the step comes only when its configuration lists them.
package struct StartIMEX: Operation {
    package init() {}

    private static let unit = DriverService.Program.imex.unit

    package var id: StepID { .imex }
    package var title: String { "start IMEX now and at boot" }
    package var changes: String { "the unit \(Self.unit)" }
    package var deadlineSeconds: Int { 300 }
    /// A node without IMEX can run CUDA, so a failed start is no failed install: `imex-not-running` reports it.
    package var effects: [Effect] { [.run([DriverService.startAtBoot(Self.unit)])] }
    package var failure: StepFailure {
        StepFailure(
            .driverServiceFailed,
            subject: "starting IMEX",
            remedy: "Read 'journalctl -u nvidia-imex' and /var/log/nvidia-imex.log on the node, and compare "
                + "\(FabricSurroundings.imexNodesFile) with that of the other nodes. Then run 'gpu-agent install'."
        )
    }
    package var inverse: (any Operation)? { StopIMEX() }
}

/// Stops IMEX, and leaves it out of the next boot.
package struct StopIMEX: Operation {
    package init() {}

    package var id: StepID { .stopIMEX }
    package var title: String { "stop IMEX" }
    package var changes: String { "the unit \(DriverService.Program.imex.unit)" }
    package var disrupts: Bool { true }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] { [.run([DriverService.disable(DriverService.Program.imex.unit)])] }
    package var failure: StepFailure { .uninstall }
}

extension DriverService {
    /// The command that starts a unit, now and at boot.
    ///
    /// It also succeeds when the unit does not start.
    fileprivate static func startAtBoot(_ unit: String) -> [String] {
        ["sh", "-c", "systemctl --quiet enable --now \"$1\" || true", "start-service", unit]
    }

    /// The command that stops a unit and leaves it out of the next boot, if the host has it.
    fileprivate static func disable(_ unit: String) -> [String] {
        let script = "! systemctl cat \"$1\" >/dev/null 2>&1 || systemctl --quiet disable --now \"$1\""
        return ["sh", "-ec", script, "disable-service", unit]
    }
}
