package import NodeModel

/// Starts the fabric manager of the driver's packages, now and at boot.
///
/// Without it, CUDA does not initialize on a machine with NVSwitch. So this step comes before the check of the node.
package struct StartFabricManager: Operation {
    package init() {}

    private static let unit = DriverService.Program.fabricManager.unit

    package var id: StepID { .fabricManager }
    package var title: String { "start the fabric manager now and at boot" }
    package var changes: String { "the unit \(Self.unit)" }
    package var deadlineSeconds: Int { 300 }
    package var effects: [Effect] { [.run([["systemctl", "--quiet", "enable", "--now", Self.unit]])] }
    package var failure: StepFailure {
        StepFailure(
            .driverServiceFailed,
            subject: "starting the fabric manager",
            remedy: "Read 'journalctl -u nvidia-fabricmanager' and /var/log/fabricmanager.log on the node, and correct "
                + "what they report. Then run 'gpu-agent install'."
        )
    }
    package var inverse: (any Operation)? { StopFabricManager() }
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
        let script = "! systemctl cat \"$1\" >/dev/null 2>&1 || systemctl --quiet disable --now \"$1\""
        return [.run([["sh", "-ec", script, "stop-fabric-manager", DriverService.Program.fabricManager.unit]])]
    }
    package var failure: StepFailure { .uninstall }
}
