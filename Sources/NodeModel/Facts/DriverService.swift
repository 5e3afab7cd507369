/// The systemd services that belong to a driver.
///
/// They hold device nodes of the driver as long as they run, but no work is lost when they stop. So the agent stops
/// them before it unloads the kernel modules, and starts them again after the install.
package enum DriverService {
    /// The names of the units.
    ///
    /// Source: the driver packages of NVIDIA, Debian and Ubuntu.
    package static let units: Set<String> = [
        "nvidia-fabricmanager.service", "nvidia-gridd.service", "nvidia-persistenced.service",
    ]
}

extension DeviceUser {
    /// The unit of the process when it is a service of the driver; nil for every other process.
    package var driverService: String? { unit.flatMap { DriverService.units.contains($0) ? $0 : nil } }
}
