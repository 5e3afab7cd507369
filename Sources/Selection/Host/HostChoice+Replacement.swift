import NodeModel

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
        let warning =
            "There is no way back: when the new driver fails, the agent cannot install the driver of "
            + "\(claim.owner.displayName) again."
        decision.evidence.append(Evidence(.installed, "host", warning))
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
