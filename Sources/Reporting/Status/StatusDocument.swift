import Catalog
package import NodeModel
package import Planning
package import Selection
package import Support

/// The output of `gpu-agent status`: everything that an operator needs to know about a node.
package struct StatusDocument: Encodable, Sendable, Equatable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "Status"
    package var verdict: Verdict
    /// Whether containers can use the GPUs, whichever driver the node has.
    package var readiness: Readiness
    package var reason: ReasonCode?
    package var nextAction: String
    package var decision: Decision
    package var gpus: [StatusGPU]
    package var driver: StatusDriver
    package var host: StatusHost
    package var findings: [Finding]
    /// The steps of the last install; empty when there was none.
    package var lastInstall: [StepRecord]
    /// The steps that this install had planned when it began; nil when there was none, and when an earlier version of the
    /// agent began it.
    package var lastInstallPlan: [StepID]?
    /// The last publication of the running agent; nil when no agent on this node has published.
    package var published: PublishedState?
    /// What an agent on this node does now, or waits for; nil when none does.
    package var activity: Activity?
    /// When the daemon made the inspection that this document shows; nil when the command inspected the node itself.
    package var inspectedByDaemonAt: Timestamp?
    /// What the daemon saw before; nil unless NVML or CUDA did not answer this command.
    package var lastResults: LastResults?

    package init(
        facts: NodeFacts,
        plan: Plan,
        report: NodeReport,
        journal: Journal?,
        published: PublishedState?,
        activity: Activity? = nil,
        inspectedByDaemonAt: Timestamp? = nil,
        lastResults: LastResults? = nil
    ) {
        verdict = report.verdict
        readiness = report.readiness
        reason = report.reason
        nextAction = report.nextAction
        decision = plan.decision
        // A signed URL is a secret, and people send this document with bug reports.
        decision.driver?.artifact?.urls = plan.decision.driver?.artifact?.urls.map(redacted) ?? []
        let isAnswered = facts.vendor.value?.nvml.value != nil
        let vendor = isAnswered ? facts.vendor : lastResults?.vendor ?? facts.vendor
        gpus = StatusGPU.all(of: facts, vendor, ignored: plan.decision.ignored ?? [])
        driver = StatusDriver(facts.driver)
        host = StatusHost(facts.host)
        findings = report.findings
        lastInstall = journal?.steps.map(\.outcome) ?? []
        lastInstallPlan = journal?.plan
        self.published = published
        self.activity = activity
        self.inspectedByDaemonAt = inspectedByDaemonAt
        self.lastResults = lastResults
    }
}

/// What the daemon saw in its last inspection, on a node whose NVML or CUDA does not answer now.
package struct LastResults: Encodable, Sendable, Equatable {
    package var at: Timestamp
    package var verdict: Verdict
    package var reason: ReasonCode?
    /// What NVML said then about the GPUs; the document has it as `gpus`.
    let vendor: Reading<VendorFacts>

    private enum CodingKeys: String, CodingKey {
        case at, verdict, reason
    }

    package init(at: Timestamp, _ report: NodeReport, _ facts: NodeFacts) {
        self.at = at
        verdict = report.verdict
        reason = report.reason
        vendor = facts.vendor
    }
}

/// One GPU, with data from the PCI bus and from NVML.
package struct StatusGPU: Encodable, Sendable, Equatable {
    package var pciAddress: PCIAddress
    package var pciId: PCIID
    package var subsystemId: PCIID?
    package var name: String?
    package var uuid: String?
    package var memoryMiB: Int?
    /// `enabled` or `disabled`; nil when the GPU does not support MIG, or when the mode is not known.
    package var migMode: String?
    package var migDevices: [StatusMIGDevice]
    /// Why the agent does not manage the GPU, such as `bound to vfio-pci`; nil when it does.
    package var unmanaged: String?

    static func all(of facts: NodeFacts, _ vendor: Reading<VendorFacts>, ignored: [PCIAddress]) -> [StatusGPU] {
        let answers = vendor.value?.nvml.value?.gpus ?? []
        return facts.gpus.map { function in
            let gpu = answers.first { $0.pciAddress.value == function.address }
            return StatusGPU(
                pciAddress: function.address,
                pciId: function.id,
                subsystemId: function.subsystem.value,
                name: gpu?.name.value,
                uuid: gpu?.uuid.value,
                memoryMiB: gpu?.memoryMiB.value,
                migMode: gpu?.migMode.value.map { $0.current ? "enabled" : "disabled" },
                migDevices: (gpu?.migDevices.value ?? []).map(StatusMIGDevice.init),
                unmanaged: ignored.contains(function.address)
                    ? "ignored by the configuration"
                    : function.isReserved ? "bound to \(function.kernelDriver.value ?? "another driver")" : nil
            )
        }
    }
}

/// One MIG device of a GPU.
package struct StatusMIGDevice: Encodable, Sendable, Equatable {
    package var uuid: String
    package var profile: String
    package var memoryMiB: Int

    init(_ device: MIGDevice) {
        uuid = device.uuid
        profile = device.profile
        memoryMiB = device.memoryMiB
    }
}

/// The driver on the host, with every source that reports a version.
package struct StatusDriver: Encodable, Sendable, Equatable {
    package var sources: [DriverSource]
    package var loaded: Bool
    package var kernelModuleType: KernelModuleType?
    package var record: InstallRecord?

    init(_ facts: DriverFacts) {
        sources = facts.sources
        loaded = facts.isLoaded
        kernelModuleType = facts.runningModule.value?.kernelModuleType ?? facts.moduleFile.value?.kernelModuleType
        record = facts.record.value
    }
}

/// The operating system and the machine, with their common names.
package struct StatusHost: Encodable, Sendable, Equatable {
    package var operatingSystem: String?
    package var kernelRelease: String?
    package var architecture: Architecture?
    package var machine: String?

    init(_ facts: HostFacts) {
        operatingSystem = facts.osRelease.value.map { $0.prettyName ?? $0.id }
        kernelRelease = facts.kernelRelease.value
        architecture = facts.architecture.value
        machine = facts.dmi.value.map { dmi in
            // The name of some products begins with that of the vendor: Google Compute Engine.
            let vendor = dmi.systemVendor.flatMap { "\(dmi.productName ?? "") ".hasPrefix("\($0) ") ? nil : $0 }
            return [vendor, dmi.productName].compactMap(\.self).joined(separator: " ")
        }
    }
}
