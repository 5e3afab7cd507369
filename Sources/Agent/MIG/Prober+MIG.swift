import Health
import Host
package import MIG
package import NodeModel
import Support
import VendorProbe

/// The MIG layout of a node, and what is needed to judge it.
package struct MIGView: Sendable {
    package var inventory: MIGInventory
    package var isVirtualMachine: Bool
    /// The processes that have a device node of the driver open.
    package var users: Reading<[DeviceUser]>
    /// Calls the libraries of the driver.
    let vendor: VendorProber
}

extension Prober {
    /// Reads the MIG layout of all GPUs.
    ///
    /// - Throws: `nvml-unavailable` when NVML does not tell it, and `host-unreachable` without a process of the host.
    package func migView() async throws(AgentFailure) -> MIGView {
        guard probesVendor else { throw .noCommands }
        let probe = HostProbe(root: root, commands: commands)
        let driver = await probe.driverFacts(record: .absent)
        let users = await deviceUsers()
        let vendor = await vendorProber(probe, driver, users: users)
        let reading = await vendor.migInventory()
        guard let inventory = reading.value else {
            throw AgentFailure(
                Finding(
                    .nvmlUnavailable,
                    observed: reading.whyUnknown.map { "NVML does not tell the MIG layout: \($0)." }
                        ?? "The host has no NVML, the management library of the driver.",
                    expected: "a driver that answers",
                    remedy: "Run 'gpu-agent status', which says what is wrong with the driver."
                )
            )
        }
        let isVirtual = await probe.hostFacts().hypervisor.value == true
        return MIGView(inventory: inventory, isVirtualMachine: isVirtual, users: users, vendor: vendor)
    }

    /// The processes that use the driver, after the daemon of this host has ended its own calls.
    private func deviceUsers() async -> Reading<[DeviceUser]> {
        let end = ContinuousClock.now + .seconds(20)
        while true {
            let users = await claims.deviceUsers()
            let isAgent = users.value?.contains { $0.command == "gpu-agent" } ?? false
            guard isAgent, ContinuousClock.now < end, !Task.isCancelled else { return users }
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    /// The recorded layout of this host; nil when there is none.
    ///
    /// - Throws: `mig-apply-failed` when the record cannot be read.
    package func migRecord() async throws(AgentFailure) -> MIGRecord? {
        let reading = await MIGRecordFile(root: root).reading()
        if let failure = reading.failure {
            throw AgentFailure(
                Finding(
                    .migApplyFailed,
                    observed: "The recorded MIG layout cannot be read: \(failure.detail).",
                    expected: "the record that 'gpu-agent mig apply' wrote",
                    remedy: "Run 'gpu-agent mig apply --config FILE', which writes it again."
                )
            )
        }
        return reading.value
    }
}
