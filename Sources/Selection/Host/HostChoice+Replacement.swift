package import NodeModel

/// The decisions to replace a driver that is loaded, which wait while processes use it.
extension HostChoice {
    /// The decision to change the agent's own driver, but blocked while processes use the GPUs.
    ///
    /// A container loses its GPU when the kernel modules are unloaded, so the change waits for a drain.
    func postponed(_ change: Decision, from driver: SingleDriver) -> Decision {
        guard change.action == .install, let target = change.driver, let users = facts.claims.driverUsers else {
            return change
        }
        let problem = Finding(
            .driverChangePending,
            observed: "The agent will replace driver \(driver.version) with the \(target). \(users.observed)",
            expected: "no process that uses the driver",
            remedy: "\(users.remedy) The agent then replaces driver \(driver.version) with the \(target)."
        )
        var decision = change.blocked(
            by: problem,
            "the agent keeps driver \(driver.version) until no process uses the GPUs"
        )
        (decision.owner, decision.driver) = (.gpuAgent, nil)
        return decision
    }

    /// Replaces the driver of another owner, which the configuration allows, unless a process uses it.
    ///
    /// - Parameters:
    ///   - claim: The owner.
    ///   - situation: What is on the host, as a sentence.
    /// - Returns: An install, or a decision with the finding `driver-in-use`.
    func takeOver(_ claim: OwnerClaim, _ situation: String) -> Decision {
        guard claim.removal != nil else { return foreign(claim, situation) }
        if let users = facts.claims.driverUsers {
            let problem = Finding(
                .driverInUse,
                observed: "\(situation) \(users.observed)",
                expected: "no process that uses the driver",
                remedy:
                    "\(users.remedy) The agent removes the driver of \(claim.owner.displayName) when no process uses it."
            )
            return Decision(
                action: .blocked,
                owner: claim.owner,
                summary: "the agent cannot replace the driver of \(claim.owner.displayName) while processes use it",
                evidence: [claim.evidence],
                problems: [problem]
            )
        }
        let statement = "\(situation) The agent replaces it."
        var decision = offer.install(because: Evidence(.installed, "host", statement))
        decision.evidence.append(claim.evidence)
        decision.evidence.append(
            Evidence(
                .configuration,
                "config",
                "The configuration allows the agent to replace the driver of another owner (driver.takeover)."
            )
        )
        if decision.action == .install { decision.takesOver = claim.owner }
        return decision
    }
}

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
        let names = others.prefix(5).map(\.name)
        let more = others.count > names.count ? ["\(others.count - names.count) more"] : []
        return (
            "These processes use the driver: \((names + more).joined(separator: ", ")).",
            "Drain the node and stop the processes that use the driver. Use systemctl for services such as nvidia-dcgm."
        )
    }

    /// What it means that the modules of a driver cannot be unloaded.
    ///
    /// - Parameter failure: The failure of the step. Every other failure stays as it is.
    /// - Returns: That processes use the driver, or that only a reboot helps, because none does.
    package func explained(_ failure: Finding) -> Finding {
        guard failure.code == .moduleUnloadFailed, deviceUsers.value != nil else { return failure }
        var explained = failure
        if let users = driverUsers {
            explained.code = .driverInUse
            explained.observed += " \(users.observed)"
            explained.expected = "no process that uses the driver"
            explained.remedy = Remedy("\(users.remedy) Then run 'gpu-agent install'.")
        } else {
            explained.code = .rebootRequired
            explained.observed += " No process uses the driver, so another kernel module or the kernel itself holds it."
            explained.expected = "kernel modules that can be unloaded"
            explained.remedy = Remedy(
                "Drain the node and reboot it. The agent then replaces the driver. To try again without a reboot, run "
                    + "'gpu-agent install'."
            )
        }
        return explained
    }
}
