import Host
package import MIG
package import NodeModel
package import Reporting
import Support
import VendorProbe

/// One change of the MIG layout of a node: take the lock, plan, change, read again.
///
/// The result is what the last reading shows, and never what the driver accepted.
struct MIGRun: Sendable {
    /// Which layout to make.
    enum Wish: Sendable {
        /// The layout of a command, by the plan that follows from the layout that the GPUs have.
        case layout(@Sendable (MIGInventory) -> MIGNodePlan)
        /// The recorded layouts.
        case recorded
        /// The recorded layouts of these GPUs, if they have no MIG device.
        case lost(Set<String>)
    }

    let prober: Prober
    let commands: HostCommands
    let pod: String?
    let wish: Wish
    /// After this time, no change of a GPU begins; nil without a limit.
    ///
    /// Each change has a deadline of its own.
    var end: ContinuousClock.Instant?

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
    ///   read or write its record or read the GPUs again.
    func run(lockDeadline: Duration) async throws(AgentFailure) -> MIGDocument {
        let change = HostChange(root: prober.root, commands: commands, pod: pod) { _ in }
        return try await change.run(lockDeadline: lockDeadline, failure: .mig) { (_) async throws(AgentFailure) in
            try await apply()
        }
    }

    private func apply() async throws(AgentFailure) -> MIGDocument {
        let record = try await record()
        var view = try await prober.migView()
        var current = plan(view, record)
        if case .lost = wish { current.refuseWithDevices() }
        guard current.canBegin else { return document(current, view) }
        let probe = HostProbe(root: prober.root, commands: nil)
        let (boot, load) = (await probe.bootID().value, await probe.moduleLoad().value)
        let moment = MIGRecord.Moment(bootID: boot, moduleLoad: load, at: Timestamp(now()))
        if case .layout = wish, !current.matches {
            try await save(record.applying(current, among: view.inventory, at: moment, \.stateBeforeChange))
        }
        var failures: [String: String] = [:]
        for _ in 0..<Self.rounds {
            let open = current.gpus.filter { !$0.steps.isEmpty && failures[$0.gpu.uuid] == nil }
            if open.isEmpty || isOver { break }
            for gpu in open where !isOver {
                let reading = await view.vendor.make(MIGChange(uuid: gpu.gpu.uuid, steps: gpu.steps))
                failures[gpu.gpu.uuid] = Self.failure(reading, gpu.steps)
            }
            view = try await prober.migView()
            current = plan(view, record)
            guard current.canBegin else { break }
        }
        let failed = Set(failures.keys)
        switch wish {
        case .layout:
            let after = record.applying(current, among: view.inventory, at: moment) { gpu in
                gpu.recordedState(isFailed: failed.contains(gpu.gpu.uuid))
            }
            try await save(after)
        case .recorded, .lost: try await save(record.restored(current, failed: failed, at: moment))
        }
        return document(current, view, failures)
    }

    private var isOver: Bool { end.map { ContinuousClock.now >= $0 } ?? false }

    /// The record that the change starts from.
    ///
    /// A record that cannot be read gives no layout, and the layout of a command replaces it.
    private func record() async throws(AgentFailure) -> MIGRecord {
        if case .layout = wish { return await MIGRecordFile(root: prober.root).reading().value ?? MIGRecord() }
        return try await prober.migRecord() ?? MIGRecord()
    }

    private func plan(_ view: MIGView, _ record: MIGRecord) -> MIGNodePlan {
        var plan =
            switch wish {
            case .layout(let make): make(view.inventory)
            case .recorded: record.plan(view.inventory)
            case .lost(let uuids): record.plan(view.inventory, only: uuids)
            }
        plan.refuse(view.users)
        return plan
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

    private func save(_ record: MIGRecord) async throws(AgentFailure) {
        do throws(HostError) { try await MIGRecordFile(root: prober.root).save(record) } catch {
            throw error.failure(.mig)
        }
    }
}

extension Prober {
    /// Makes a MIG layout for `gpu-agent mig apply`.
    package func makeMIG(
        environment: [String: String],
        lockDeadline: Duration,
        plan: @escaping @Sendable (MIGInventory) -> MIGNodePlan
    ) async throws(AgentFailure) -> MIGDocument {
        guard let commands else { throw .noCommands }
        let run = MIGRun(prober: self, commands: commands, pod: podName(environment), wish: .layout(plan))
        return try await run.run(lockDeadline: lockDeadline)
    }

    /// Makes the recorded MIG layouts again for `gpu-agent mig restore`.
    package func restoreMIG(
        environment: [String: String],
        lockDeadline: Duration
    ) async throws(AgentFailure) -> MIGDocument {
        guard let record = try await migRecord(), !record.gpus.isEmpty else { return .notRecorded }
        guard let commands else { throw .noCommands }
        let run = MIGRun(prober: self, commands: commands, pod: podName(environment), wish: .recorded)
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
