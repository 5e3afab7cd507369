package import Catalog
package import NodeModel
package import Selection
import Support

/// The input of a check: the facts of a node, and the decision that follows from them.
package struct CheckedNode: Sendable {
    /// The facts about the GPUs that the agent manages.
    package let facts: NodeFacts
    package let decision: Decision
    /// The configured MIG strategy of the device plugin.
    package let migStrategy: MIGStrategy
    /// Whether the daemon makes lost MIG layouts again now.
    package let restoresMIG: Bool
    /// What the operator asks for around a driver of this agent.
    package let surroundings: SurroundingsPolicy
    /// What the daemon last wrote to the API server; nil when the checks do not concern the publication.
    package let published: PublishedState?
    /// Whether the agent builds or installs the modules for the kernel of the next boot.
    package let preparesNextBoot: Bool
    /// Why it could not, as a sentence; nil when nothing failed.
    package let aheadProblem: String?
    /// What each Xid means.
    package let xids: [Int: CatalogXid]
    /// What each SXid means.
    package let sxids: [Int: CatalogSXid]
    /// The MMIO space in GiB that a virtual machine needs for a GPU with this ID.
    package let mmioGiB: [PCIID: Int]

    package init(
        facts: NodeFacts,
        decision: Decision,
        preparesNextBoot: Bool = false,
        aheadProblem: String? = nil,
        migStrategy: MIGStrategy = .single,
        restoresMIG: Bool = false,
        surroundings: SurroundingsPolicy = SurroundingsPolicy(),
        published: PublishedState? = nil,
        xids: [Int: CatalogXid] = [:],
        sxids: [Int: CatalogSXid] = [:],
        mmioGiB: [PCIID: Int] = [:]
    ) {
        self.facts = decision.managed(facts)
        self.decision = decision
        self.migStrategy = migStrategy
        self.restoresMIG = restoresMIG
        self.surroundings = surroundings
        self.published = published
        self.preparesNextBoot = preparesNextBoot
        self.aheadProblem = aheadProblem
        self.xids = xids
        self.sxids = sxids
        self.mmioGiB = mmioGiB
    }

    /// The errors of the GPUs that are not over.
    package var faults: GPUFaults {
        // Most nodes have no event, and the test looks at all GPUs.
        guard let events = facts.gpuEvents.value, events.history.events.contains(where: { $0.end == nil }) else {
            let none = GPUEventFacts(history: GPUHistory(), boot: "", at: Timestamp(0))
            return GPUFaults(none, xids: [:], sxids: [:], test: GPUTest(gpus: [], nvml: nil, cudaWorks: false))
        }
        return GPUFaults(events, xids: xids, sxids: sxids, test: GPUTest(self))
    }

    /// Whether any source reports a driver on this host.
    var hasDriver: Bool { !facts.driver.sources.isEmpty }

    /// Whether the node has a driver, or the agent knows which one it should have.
    ///
    /// Otherwise only the finding that blocks the decision matters.
    var isJudgedByItsDriver: Bool { hasDriver || decision.action != .blocked || decision.driver != nil }

    /// The response of NVML, or the reason why there is none.
    var nvmlReading: Reading<NVMLFacts> { facts.vendor.flatMap(\.nvml) }

    var nvml: NVMLFacts? { nvmlReading.value }

    /// The call of NVML that did not return; nil when every call returned.
    var nvmlHang: ReadFailure? {
        nvmlReading.failure.flatMap { $0.isWithoutAnswer ? $0 : nil } ?? nvml?.hang
    }

    /// Whether NVML should respond: the kernel module is loaded, or NVML responded.
    var shouldAnswer: Bool { facts.driver.isLoaded || nvml != nil }

    /// The response of CUDA, or the reason why there is none.
    ///
    /// It is nil when NVML did not respond, because the agent calls NVML first.
    var cudaReading: Reading<[CUDAFacts]>? { nvml == nil ? nil : facts.vendor.flatMap(\.cuda) }

    /// Whether the processor or the firmware shows that the node is a virtual machine.
    var isVirtualMachine: Bool {
        facts.host.hypervisor.value == true || decision.platform.map { $0 != "bare-metal" } ?? false
    }

    /// The GPUs about which a call of NVML returned an error.
    var faultyGPUs: [GPUFacts] { nvml?.gpus.filter { !$0.faults.isEmpty } ?? [] }

    /// What the GPUs are for the MIG strategy `single`; nil when NVML did not respond.
    var migLayout: MIGLayout? { nvml.map { MIGLayout($0.gpus.byAddress) } }

    /// The GPUs that are in MIG mode.
    var gpusWithMIG: [GPUFacts] { nvml?.gpus.filter { $0.migMode.value?.current == true } ?? [] }
}

extension ReadFailure {
    /// Whether the agent failed to ask the driver, as opposed to a failure of the driver itself.
    var isOurOwn: Bool { [.permission, .io, .command, .malformed].contains(reason) }
}

extension Remedy {
    static let readKernelLog: Remedy = "Read the kernel log (dmesg) and look for lines with NVRM."
    static let readXidLines: Remedy = "Read the kernel log (dmesg) and look for Xid errors of these GPUs."
    /// What to do when the agent did not query the driver, because it sees files or facts of the node and not the node.
    static let askOnTheNode: Remedy = "Run 'gpu-agent status' on the node. Only there can the agent query the driver."
    static let completeDriver: Remedy =
        "The driver is incomplete. Install its libraries on the host, or remove the driver."

    /// To remove the driver of the node as its owner does, and then to let the agent install another one.
    ///
    /// - Parameters:
    ///   - node: The node with the driver.
    ///   - why: What the install then does, as a clause; nil when that is clear.
    /// - Returns: The commands of the owner, or 'gpu-agent uninstall', and then 'gpu-agent install'.
    static func replacingDriver(on node: CheckedNode, _ why: String? = nil) -> Remedy {
        let end = why.map { ": \($0)." } ?? "."
        let version = node.facts.driver.sources.first?.version
        if let version, let removal = node.facts.howToRemoveDriverOfOthers(version) {
            return "\(removal) Then run 'gpu-agent install'\(end)"
        }
        return Remedy(
            "Remove the driver with 'gpu-agent uninstall', then run 'gpu-agent install'\(end)",
            command: "gpu-agent uninstall && gpu-agent install"
        )
    }

    /// What to do when the agent failed to query the driver (`ReadFailure.isOurOwn`).
    static func querying(_ failure: ReadFailure) -> Remedy {
        switch failure.reason {
        case .permission: "The agent could not query the driver. Run the agent as root."
        case .malformed:
            """
            The driver's library returned an impossible value. Install the libraries of this driver again, or \
            reboot the node.
            """
        default:
            """
            The agent could not query the driver. Check the agent's limits for memory and processes, and the free \
            space in /tmp.
            """
        }
    }
}

/// A count with its noun: `1 device`, `2 devices`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
