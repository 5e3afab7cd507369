import Host
package import MIG
package import NodeModel
package import Reporting
import Support
import VendorProbe

/// One change of the MIG layout of a node: take the lock, plan, change, read again.
///
/// The result is what the last reading shows, and never what the driver accepted.
package struct MIGRun: Sendable {
    let prober: Prober
    let commands: HostCommands
    let pod: String?
    /// Whether the layout is the recorded one.
    ///
    /// Its record stays until the layout is there, so that a failure is not the end of it.
    let isRestore: Bool
    /// Makes the plan from the layout that the GPUs have.
    let plan: @Sendable (MIGInventory) -> MIGNodePlan

    /// How often a layout is planned anew.
    ///
    /// The second time, MIG mode is on, and NVML names the places.
    private static let rounds = 3

    /// Makes the layout.
    ///
    /// Nothing is changed when one of the GPUs cannot get its layout, or when a process uses one that would change.
    ///
    /// - Returns: The state of the GPUs afterwards.
    /// - Throws: `nvml-unavailable` or `host-locked` before a change, and `mig-apply-failed` when the agent cannot
    ///   write its record or read the GPUs again.
    func run(lockDeadline: Duration) async throws(AgentFailure) -> MIGDocument {
        let change = HostChange(root: prober.root, commands: commands, pod: pod) { _ in }
        return try await change.run(lockDeadline: lockDeadline, failure: .mig) { (_) async throws(AgentFailure) in
            try await apply()
        }
    }

    private func apply() async throws(AgentFailure) -> MIGDocument {
        var view = try await prober.migView()
        var current = self.plan(view.inventory)
        current.refuse(view.users)
        guard current.canBegin else { return document(current, view) }
        let boot = await HostProbe(root: prober.root, commands: nil).bootID().value
        if !current.matches, !isRestore { try await save(current, .changing, boot) }
        var failures: [String: String] = [:]
        for _ in 0..<Self.rounds {
            let open = current.gpus.filter { !$0.steps.isEmpty && failures[$0.gpu.uuid] == nil }
            if open.isEmpty { break }
            for gpu in open {
                let reading = await view.vendor.make(MIGChange(uuid: gpu.gpu.uuid, steps: gpu.steps))
                failures[gpu.gpu.uuid] = Self.failure(reading, gpu.steps)
            }
            view = try await prober.migView()
            current = self.plan(view.inventory)
            current.refuse(view.users)
            guard current.canBegin else { break }
        }
        let document = document(current, view, failures)
        let state: MIGRecord.State =
            switch document.state {
            case .success: .success
            case .resetRequired, .rebootRequired: .resetRequired
            case .possible, .failed: .failed
            }
        if !isRestore || state == .success { try await save(current, state, boot) }
        return document
    }

    /// The error of the step that failed; nil when the driver accepted all steps.
    private static func failure(_ reading: Reading<MIGChangeResult>, _ steps: [MIGStep]) -> String? {
        guard let result = reading.value else { return reading.whyUnknown ?? "the host has no NVML" }
        guard let failure = result.failure else { return nil }
        let step = steps.indices.contains(result.done) ? "\(steps[result.done].text): " : ""
        let hint = result.code.flatMap { MIGErrors.hints[$0] }.map { " (\($0))" } ?? ""
        return "\(step)\(failure)\(hint)"
    }

    private func document(
        _ plan: MIGNodePlan,
        _ view: MIGView,
        _ failures: [String: String] = [:]
    ) -> MIGDocument {
        MIGDocument(.result, plan, failures: failures, isVirtualMachine: view.isVirtualMachine)
    }

    private func save(_ plan: MIGNodePlan, _ state: MIGRecord.State, _ boot: String?) async throws(AgentFailure) {
        let record = MIGRecord(plan, state, bootID: boot, at: Timestamp(now()))
        do throws(HostError) { try await MIGRecordFile(root: prober.root).save(record) } catch {
            throw error.failure(.mig)
        }
    }
}

extension Prober {
    /// Makes a MIG layout for `gpu-agent mig apply` and `mig restore`.
    package func makeMIG(
        environment: [String: String],
        lockDeadline: Duration,
        isRestore: Bool = false,
        plan: @escaping @Sendable (MIGInventory) -> MIGNodePlan
    ) async throws(AgentFailure) -> MIGDocument {
        guard let commands else { throw .noCommands }
        let run = MIGRun(prober: self, commands: commands, pod: podName(environment), isRestore: isRestore, plan: plan)
        return try await run.run(lockDeadline: lockDeadline)
    }
}

extension StepFailure {
    /// The agent cannot take the lock for a change of MIG, or cannot write its record.
    fileprivate static let mig = StepFailure(
        .migApplyFailed,
        subject: "the change of the MIG layout",
        remedy: "Correct the problem on the node, and then run 'gpu-agent mig apply' again."
    )
}
