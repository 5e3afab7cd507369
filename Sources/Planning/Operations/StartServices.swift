package import NodeModel

/// Starts the services of the driver again, which the agent stopped to replace the driver.
package struct StartServices: Operation {
    /// The names of the units.
    package var units: [String]

    package init(units: [String]) {
        self.units = units
    }

    package var id: StepID { .startServices }
    package var title: String { "start \(units.joined(separator: " and ")) again" }
    package var changes: String { "the services of the driver" }
    package var deadlineSeconds: Int { 300 }
    package var effects: [Effect] { [.run([DriverService.command(.start, units)])] }
    package var failure: StepFailure {
        StepFailure(
            .driverServiceFailed,
            subject: "starting a service of the driver",
            remedy: "Run 'systemctl status \(units.joined(separator: " "))' on the node, and repair the service."
        )
    }
    package var inverse: (any Operation)? { StopServices(units: units) }
}

/// Stops the services of the driver.
package struct StopServices: Operation {
    /// The names of the units.
    package var units: [String]

    package init(units: [String]) {
        self.units = units
    }

    package var id: StepID { .stopServices }
    package var title: String { "stop \(units.joined(separator: " and "))" }
    package var changes: String { "the services of the driver" }
    package var disrupts: Bool { true }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] { [.stopServices(units)] }
    package var failure: StepFailure {
        StepFailure(
            .driverServiceFailed,
            subject: "stopping a service of the driver",
            remedy: "Run 'systemctl status \(units.joined(separator: " "))' on the node, and repair the service."
        )
    }
    package var inverse: (any Operation)? { StartServices(units: units) }
}
