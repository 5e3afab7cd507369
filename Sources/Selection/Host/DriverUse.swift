package import NodeModel
import Support

extension ClaimFacts {
    /// Why the driver cannot be replaced now, and what to do about it; nil when no process uses the driver.
    package var driverUsers: (observed: String, remedy: String)? {
        guard let users = deviceUsers.value else {
            let why = deviceUsers.whyUnknown ?? "it saw no processes"
            // If the cause is not missing access, root cannot read the files of the process either.
            let remedy: String =
                switch deviceUsers.failure?.reason {
                case .permission, nil:
                    "Run the agent as root in the PID namespace of the host (hostPID: true), so that it can list them."
                default: Remedy.reading(deviceUsers.failure).text
                }
            return ("The agent cannot tell which processes use the driver: \(why).", remedy)
        }
        // The agent stops the services of the driver itself.
        let others = users.filter { $0.driverService == nil }
        guard !others.isEmpty else { return nil }
        let names = others.prefix(5).map(\.nameWithNodes)
        let more = others.count > names.count ? ["\(others.count - names.count) more"] : []
        return (
            "These processes use the driver: \((names + more).joined(separator: ", ")).",
            "Drain the node and stop the processes that use the driver. Use systemctl for services such as nvidia-dcgm."
        )
    }
}

extension DeviceUser {
    /// How many device nodes of a process are named.
    private static let nodeLimit = 4

    /// The process with the device nodes that it has open: `python3 (4711, pod ml/train-0; nvidia0, nvidiactl)`.
    fileprivate var nameWithNodes: String {
        guard !nodes.isEmpty, name.hasSuffix(")") else { return name }
        let more = nodes.count - Self.nodeLimit
        let named = nodes.prefix(Self.nodeLimit) + (more > 0 ? ["\(more) more"] : [])
        return "\(name.dropLast()); \(named.joined(separator: ", ")))"
    }
}

/// What needs to unload the modules of a driver.
package enum DriverChange: Sendable {
    case install, uninstall

    /// The command that tries again.
    fileprivate var command: String { "gpu-agent \(self == .install ? "install" : "uninstall")" }

    /// What to do when only a reboot helps.
    ///
    /// The daemon continues an install, and not an uninstall.
    fileprivate var reboot: String {
        self == .install
            ? "reboot it. The agent then replaces the driver. To try again without a reboot, run '\(command)'."
            : "reboot it. Then run '\(command)'."
    }
}

extension NodeFacts {
    /// What it means that the modules of a driver cannot be unloaded.
    ///
    /// - Parameters:
    ///   - failure: The failure of the step. Every other failure stays as it is.
    ///   - change: What needs to unload them.
    /// - Returns: That processes use the driver, that other kernel modules use it, or that only a reboot helps.
    package func explained(_ failure: Finding, for change: DriverChange) -> Finding {
        guard failure.code == .moduleUnloadFailed, claims.deviceUsers.value != nil else { return failure }
        var explained = failure
        if let users = claims.driverUsers {
            explained.code = .driverInUse
            explained.observed += " \(users.observed)"
            explained.expected = "no process that uses the driver"
            explained.remedy = Remedy("\(users.remedy) Then run '\(change.command)'.")
            return explained
        }
        explained.code = .rebootRequired
        explained.expected = "kernel modules that can be unloaded"
        let holders = Set((driver.moduleHolders ?? [:]).values.joined()).sorted()
        if holders.isEmpty {
            explained.observed += " No process uses the driver, so another kernel module or the kernel itself holds it."
            explained.remedy = Remedy("Drain the node and \(change.reboot)")
        } else {
            let verb = holders.count == 1 ? "module uses" : "modules use"
            explained.observed += " No process uses the driver, but the kernel \(verb) it: \(shortList(holders))."
            explained.remedy = Remedy(
                "Drain the node, run 'rmmod \(holders.prefix(Self.holderLimit).joined(separator: " "))' on it, and then "
                    + "'\(change.command)'. Or \(change.reboot)"
            )
        }
        return explained
    }

    /// How many modules the command of a remedy names.
    private static let holderLimit = 8
}
