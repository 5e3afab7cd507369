import Cluster
import Host
import Logging
import NodeModel
import Support

extension Reconciler {
    /// Records what an inspection says about the start of the node; the mode `observe` writes nothing to the host.
    func noteBoot(_ view: NodeView) async {
        guard mode != .observe, let boot = view.facts.host.bootID.value else { return }
        let (file, now) = (BootRecordFile(root: inspector.prober.root), JobRecord.Moment.now())
        var former = box.boot
        if former == nil { former = await file.load() }
        var record = BootRecord.continuing(former, boot: boot, at: now.time, uptime: now.uptime)
        record.reached(.agent, at: started.uptime)
        let sight = BootRecord.Sight(
            verdict: view.report.verdict,
            journal: view.journal,
            joined: await cluster?.mirror.joined(since: record.started),
            isOffering: view.facts.devicePlugin?.allocatable.value?.values.contains { $0 > 0 } == true
        )
        record.note(sight, uptime: now.uptime)
        // An agent that installs nothing has no failures to repeat.
        if install == nil { record.succeeded() }
        await keep(record, insteadOf: former)
    }

    /// Changes the counts of the installs since the boot.
    func count(_ change: (inout BootRecord) -> Void) async {
        guard let former = box.boot else { return }
        var record = former
        change(&record)
        await keep(record, insteadOf: former)
    }

    private func keep(_ record: BootRecord, insteadOf former: BootRecord?) async {
        box.boot = record
        guard record != former else { return }
        do throws(HostError) { try await BootRecordFile(root: inspector.prober.root).save(record) } catch {
            // The metrics have it until the agent ends.
            logger.warning("the times since the boot were not saved", metadata: ["error": "\(errorChain(error))"])
        }
    }
}
