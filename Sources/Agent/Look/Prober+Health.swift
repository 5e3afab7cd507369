package import Host
package import NodeModel
import Support

extension Prober {
    /// The facts without the GPUs that the configuration ignores.
    func considered(_ facts: NodeFacts) -> NodeFacts {
        facts.without(facts.gpus.filter(ignores).map(\.address))
    }

    /// What the kernel log says about GPUs that do not work; skipped when there are none.
    func kernelLog(_ facts: NodeFacts) async -> Reading<[String]> {
        let gpus = considered(facts).failingGPUs
        guard !gpus.isEmpty else {
            return .skipped(facts.failingGPUs.isEmpty ? NodeFacts.everyGPUAnswers : "every GPU that counts answers")
        }
        guard let commands else {
            return .skipped("the agent reads the kernel log only as root and with a host process (--host-pid)")
        }
        do throws(HostError) { return .present(try await KernelLog(commands: commands).lastLines(about: gpus)) } catch {
            return .unreadable(ReadFailure(error))
        }
    }

    /// The whole history of errors of the GPUs; nil when the boot of the node is not known.
    package func eventFacts() async -> GPUEventFacts? {
        guard let boot = await HostProbe(root: root, commands: nil).bootID().value else { return nil }
        return await events.facts(boot: boot)
    }

    /// Ends the open errors of a GPU, and stores who did it and why.
    ///
    /// - Parameters:
    ///   - gpu: The address or the UUID of the GPU. The address can be that of an NVSwitch.
    ///   - reason: Why the errors are over.
    ///   - user: Who says so.
    /// - Returns: The errors that were open, with their end; empty when the GPU has none.
    /// - Throws: `HostError` when the history cannot be read or written.
    package func clearErrors(of gpu: String, reason: String, user: String) async throws(HostError) -> [GPUEvent] {
        guard let boot = await HostProbe(root: root, commands: nil).bootID().value else { return [] }
        let (uuids, position) = (await look().facts.gpuUUIDs, await KernelLogPositionFile(root: root).load())
        // Without a daemon, the errors can be in the log alone.
        let messages = try await events.messages(boot: boot, position)
        let clock = KernelClock()
        let address = PCIAddress(gpu) ?? PCIAddress("\(gpu).0")
        let end = GPUEvent.End(.person, at: Timestamp(now()), reason: reason, user: user)
        return try await GPUHistoryStore(root: root).update { history in
            for message in messages { history.add(message, boot: boot, at: clock.time(of: message)) }
            history.identify(uuids, boot: boot)
            let chosen = history.events.filter { event in
                event.end == nil && (event.uuid == gpu || (address.map(event.address.sameSlot) ?? false))
            }
            for event in chosen { history.end(event, end) }
            return chosen.map { event in
                var event = event
                event.end = end
                return event
            }
        }
    }
}
