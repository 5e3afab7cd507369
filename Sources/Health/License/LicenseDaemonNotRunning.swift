import NodeModel
import Selection

extension Check {
    static let licenseDaemonNotRunning = Check(
        .licenseDaemonNotRunning,
        title: "the license daemon of a GRID driver runs",
        group: .license,
        phase: .use,
        dependsOn: [.driverNotLoaded, .moduleLoadFailed],
        // systemd starts nvidia-gridd after the load of the driver.
        settlesWithin: .seconds(120),
        meaning:
            "The GRID driver is loaded, and `nvidia-gridd` does not run or is not on the host. Nothing gets or renews the "
            + "license of the vGPUs. So a vGPU without a license gets none, and the node is not ready, except in the time "
            + "of `license.grace`. The finding is a notice as long as every GPU has a license, and a warning when one ends "
            + "soon. On a host without systemd or without the unit, a license shows that another program takes care of it. "
            + "During an install, it says that the agent could not start `nvidia-gridd` with the license of the "
            + "configuration.",
        advice:
            "Read `journalctl -u nvidia-gridd`. Start it with `systemctl enable --now nvidia-gridd`. When the host has "
            + "no such unit, install the GRID driver again without options that move its files."
    ) { node in
        guard node.decision.driver?.kind == .grid,
            let daemon = node.facts.driver.surroundings?.program(.licenseDaemon), let isRunning = daemon.isRunning
        else { return nil }
        // What explains a missing license is one finding.
        if let state = node.licenseState, !isRunning {
            guard state.cause == .daemonNotRunning else { return nil }
            return state.outcome(daemon.whyMissing, remedy: remedy(daemon, on: node))
        }
        guard node.facts.driver.isLoaded else { return nil }
        let expected = "nvidia-gridd runs"
        guard !isRunning else { return .passed("nvidia-gridd runs", expected: expected) }
        let gpus = node.nvml?.gpus ?? []
        let isLicensed = !gpus.isEmpty && gpus.allSatisfy { $0.license.isAbsent || $0.license.value?.licensed == true }
        // Something else takes care of the license, so there is nothing to start.
        if isLicensed, daemon.unitFile == nil || node.facts.driver.surroundings?.hasSystemd == false {
            return .notApplicable("Every GPU has its license, and no nvidia-gridd runs.", expected: expected)
        }
        let endings = node.endingLicenses
        let outcome = isLicensed && endings.isEmpty ? Outcome.notice : Outcome.warning
        let observed = [daemon.whyMissing, endings.observed].compactMap(\.self).joined(separator: " ")
        return outcome(observed, expected, remedy(daemon, on: node))
    }

    private static func remedy(_ daemon: DriverProgram, on node: CheckedNode) -> Remedy {
        guard daemon.path != nil else {
            return "Install the GRID driver again. Its package contains nvidia-gridd."
        }
        guard daemon.unitFile != nil else {
            return "Start /usr/bin/nvidia-gridd at boot, for example with a systemd unit nvidia-gridd.service."
        }
        if node.surroundings.license != nil, node.facts.driver.isOfThisAgent { return .install }
        return Remedy(
            "Start nvidia-gridd on the host, and read 'journalctl -u nvidia-gridd' if it ends.",
            command: "systemctl enable --now nvidia-gridd"
        )
    }
}

extension DriverProgram {
    /// Why the license daemon does not run, as a sentence.
    fileprivate var whyMissing: String {
        if path == nil { return "The host lacks nvidia-gridd, the license daemon of the GRID driver." }
        if unitFile == nil { return "nvidia-gridd does not run, and the host has no unit nvidia-gridd.service." }
        return "nvidia-gridd does not run."
    }
}
