package import NodeModel

extension Decision {
    /// A decision that blocks the agent.
    static func blocked(_ problems: [Finding], _ summary: String, evidence: [Evidence] = []) -> Decision {
        Decision(action: .blocked, summary: summary, evidence: evidence, problems: problems)
    }

    /// A decision that leaves the driver to another owner.
    static func left(to owner: OwnerClaim, _ summary: String, _ evidence: [Evidence]) -> Decision {
        var decision = idle(.driverOwnedElsewhere, summary, evidence + [owner.evidence])
        (decision.owner, decision.howToHandOver) = (owner.owner, owner.howToHandOver)
        return decision
    }

    /// The same decision, but blocked when it installs a driver and the labels of the Node cannot be read.
    ///
    /// The labels tell whether another owner installs the driver. Two installers on one host would break its driver.
    func waiting(forOwnershipIn claims: ClaimFacts) -> Decision {
        guard action == .install, let failure = claims.nodeLabels.failure else { return self }
        let problem = Finding(
            .ownershipUnknown,
            observed: "The agent cannot read the labels of the Node: \(failure.detail).",
            expected: "the labels of the Node, which say whether another owner installs the driver",
            remedy: "Make the API server reachable from this node. The agent then tries again. To install without the "
                + "cluster, run 'gpu-agent install' or set 'cluster: none' in the configuration."
        )
        return blocked(
            by: problem,
            "the agent waits: it cannot read the Node, so it does not know who owns the driver"
        )
    }

    /// The same decision, but blocked when it would undo the uninstall that an operator asked for.
    ///
    /// A driver of another owner that came after the uninstall is adopted like any other.
    func respecting(_ uninstall: UninstallRecord?) -> Decision {
        guard let uninstall else { return self }
        let isRepair = action == .adopt && owner == .gpuAgent && uninstall.state == .started
        guard action == .install || isRepair else { return self }
        let summary =
            uninstall.state == .done
            ? "an operator uninstalled the driver, so the agent installs none"
            : "the agent installs no driver, because an uninstall was interrupted"
        return blocked(by: uninstall.finding(expected: driver), summary)
    }

    /// The same decision, but blocked by a problem: the agent neither installs a driver nor removes one.
    package func blocked(by problem: Finding, _ summary: String) -> Decision {
        var decision = self
        decision.action = .blocked
        decision.driver?.artifact = nil
        decision.driver?.packages = nil
        decision.takesOver = nil
        decision.unreadIndex = nil
        decision.summary = summary
        decision.problems = [problem]
        return decision
    }

    /// The facts about the GPUs that the agent manages: without those that the configuration ignores, and without those
    /// that the kernel driver of a virtual machine or of other software holds.
    ///
    /// Checks, labels and metrics are about these GPUs alone. A GPU that does not answer is still one of them, and so
    /// is a GPU that a display driver holds, because that driver blocks NVIDIA's driver.
    package func managed(_ facts: NodeFacts) -> NodeFacts {
        facts.without((ignored ?? []) + facts.gpus.filter(\.isReserved).map(\.address))
    }

    /// Whether the agent installs a driver as soon as it knows who owns it.
    package var waitsForOwnership: Bool { problems.contains { $0.code == .ownershipUnknown } }

    /// A decision to do nothing.
    static func idle(_ reason: ReasonCode, _ summary: String, _ evidence: [Evidence]) -> Decision {
        Decision(action: .idle, reason: reason, summary: summary, evidence: evidence)
    }
}

extension [Finding] {
    /// The finding that the agent cannot read the PCI bus, with the reason.
    static func pciUnreadable(_ why: String) -> [Finding] {
        [
            Finding(
                .pciUnreadable,
                observed: "The agent cannot read the PCI bus: \(why).",
                expected: "readable files below /sys/bus/pci",
                remedy: "Run the agent as root with the host's root directory mounted (--host-root)."
            )
        ]
    }
}

extension UninstallRecord {
    /// The finding that the agent installs no driver because of this uninstall.
    ///
    /// `driver` is the driver that the agent would install.
    fileprivate func finding(expected driver: DriverTarget?) -> Finding {
        let name = version.map { "driver \($0)" } ?? "the driver"
        let expected = driver.map { "\($0)" } ?? "a driver"
        switch state {
        case .done:
            return Finding(
                .driverUninstalled,
                observed: "An operator uninstalled \(name) at \(endedAt ?? startedAt).",
                expected: expected,
                remedy: "Run 'gpu-agent install' to install the driver again."
            )
        case .started:
            let failure = step?.failure.map { " Its step \(step?.step.rawValue ?? "") failed: \($0.observed)" } ?? ""
            return Finding(
                .driverUninstalled,
                observed: "The uninstall of \(name) is not complete.\(failure)",
                expected: expected,
                remedy: "Run 'gpu-agent uninstall' to finish the uninstall, or 'gpu-agent install' to install the "
                    + "driver again."
            )
        }
    }
}
