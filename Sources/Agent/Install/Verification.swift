import Health
import NodeModel
import Planning
import Selection
import Support

/// Inspects a node until its verdict is `ready` or `degraded`, or until the time is over.
package struct Verification: Sendable {
    /// How long a verification waits by default.
    ///
    /// The device nodes of nvidia-uvm were observed to appear up to 15 seconds after the module was loaded.
    package static let patience = Duration.seconds(15)

    let look: @Sendable () async -> NodeView
    /// How long it waits after the first inspection, which can take long on its own.
    var patience: Duration = Self.patience
    /// How long it waits for the fabric of a machine with NVSwitch.
    ///
    /// CUDA does not initialize before the fabric manager has connected all GPUs.
    var patienceWithFabric = Duration.seconds(60)

    /// Returns what is wrong with the node when the time is over; nil when the node works.
    func problem(within deadline: Duration) async -> Finding? {
        let deadline = ContinuousClock.now + deadline
        var firstLook: ContinuousClock.Instant?
        while true {
            let view = await look()
            let first = firstLook ?? .now
            firstLook = first
            // The MIG layout and its strategy are the operator's, and say nothing about the driver.
            // Neither does an error that a GPU had earlier.
            var facts = view.facts
            facts.gpuEvents = .absent
            // The daemon makes a recorded MIG layout again only after the install.
            facts.wantedMIG = .absent
            // A license says nothing about the driver, either. It comes some seconds after the daemon started.
            let isLicensed = facts.unlicensedVGPUs.isEmpty
            // Nor does Vulkan, which needs a loader and libraries of others.
            facts.vendor = facts.vendor.map { vendor in
                var vendor = vendor.withoutLicenses
                vendor.vulkan = .skipped(VulkanFacts.notRequested)
                return vendor
            }
            let report = Checks(facts: facts, plan: view.plan.withoutObstacles, migStrategy: .mixed).report()
            let works = [.ready, .degraded].contains(report.verdict)
            if works, isLicensed { return nil }
            let wait = view.waitsForFabric(report) ? max(patience, patienceWithFabric) : patience
            let end = min(deadline, first + wait)
            guard ContinuousClock.now < end, !Task.isCancelled else { return works ? nil : report.problem }
            try? await Task.sleep(for: .seconds(1))
        }
    }
}

extension NodeView {
    /// Whether CUDA waits for the fabric manager of this machine.
    fileprivate func waitsForFabric(_ report: NodeReport) -> Bool {
        guard plan.decision.fabricManager?.isNeeded == true else { return false }
        return [ReasonCode.cudaFailed, .fabricManagerNotRunning].contains(report.problem.code)
    }
}

extension Plan {
    /// The plan without its obstacles.
    ///
    /// An obstacle prevents the next install. It does not tell whether this install succeeded.
    fileprivate var withoutObstacles: Plan {
        var plan = self
        plan.problems = []
        plan.decision.problems = []
        return plan
    }
}
