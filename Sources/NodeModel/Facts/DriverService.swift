/// The systemd services that belong to a driver.
///
/// They hold device nodes of the driver as long as they run, but no work is lost when they stop. So the agent stops
/// them before it unloads the kernel modules, and starts them again after the install.
package enum DriverService {
    /// The names of the units.
    ///
    /// Source: the driver packages of NVIDIA, Debian and Ubuntu.
    package static let units = Set(order)

    /// The units in the order in which they start; they stop in the other one.
    ///
    /// IMEX needs a fabric that is set up.
    private static let order = [
        "nvidia-persistenced.service", "nvidia-fabricmanager.service", "nvidia-imex.service", "nvidia-gridd.service",
    ]

    /// Units of the driver in the order in which they start.
    package static func inOrder(_ units: Set<String>) -> [String] {
        order.filter(units.contains) + units.filter { !order.contains($0) }.sorted()
    }

    /// The command that starts units one after the other, or stops them in the opposite order.
    ///
    /// It passes over a unit that the host no longer has: the package of the former driver can have had it. It fails when a
    /// unit fails, but a unit that does not start keeps no other one from its start.
    package static func command(_ verb: Verb, _ units: [String]) -> [String] {
        let script = """
            status=0
            for unit; do
                ! systemctl cat "$unit" >/dev/null 2>&1 || systemctl \(verb.rawValue) "$unit" || status=1
            done
            exit $status
            """
        return ["sh", "-c", script, "\(verb.rawValue)-services"] + (verb == .stop ? units.reversed() : units)
    }

    package enum Verb: String, Sendable {
        case start, stop
    }
}

extension DeviceUser {
    /// The unit of the process when it is a service of the driver; nil for every other process.
    package var driverService: String? { unit.flatMap { DriverService.units.contains($0) ? $0 : nil } }
}
