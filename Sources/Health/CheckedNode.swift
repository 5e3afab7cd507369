package import NodeModel
package import Selection

/// What a check may look at: the facts of a node, and the decision that they led to.
package struct CheckedNode: Sendable {
    package let facts: NodeFacts
    package let decision: Decision
    /// How the device plugin is configured to show MIG devices.
    package let migStrategy: MIGStrategy

    package init(facts: NodeFacts, decision: Decision, migStrategy: MIGStrategy = .single) {
        self.facts = facts
        self.decision = decision
        self.migStrategy = migStrategy
    }

    /// Whether any source names a driver on this host.
    var hasDriver: Bool { !facts.driver.sources.isEmpty }

    /// Whether the node has a driver, or the agent knows which one it should have.
    ///
    /// Elsewhere the finding that blocks the decision is all there is to say.
    var isJudgedByItsDriver: Bool { hasDriver || decision.action != .blocked || decision.driver != nil }

    /// What NVML answered, or why it did not.
    var nvmlReading: Reading<NVMLFacts> { facts.vendor.flatMap(\.nvml) }

    var nvml: NVMLFacts? { nvmlReading.value }

    /// Whether NVML should answer: the kernel module is loaded, or NVML did answer.
    var shouldAnswer: Bool { facts.driver.isLoaded || nvml != nil }

    /// What CUDA answered, or why it did not; nil where NVML did not answer, which is asked first.
    var cudaReading: Reading<[CUDAFacts]>? { nvml == nil ? nil : facts.vendor.flatMap(\.cuda) }

    /// The GPUs whose MIG mode is on.
    var gpusWithMIG: [GPUFacts] { nvml?.gpus.filter { $0.migMode.value?.current == true } ?? [] }
}

extension ReadFailure {
    /// Whether the agent itself could not ask, rather than the driver did not answer.
    var isOurOwn: Bool { [.permission, .io, .command, .malformed].contains(reason) }
}

extension Remedy {
    static let readKernelLog: Remedy = "Read the kernel log (dmesg): look for lines with NVRM."
    static let readXidLines: Remedy = "Read the kernel log (dmesg): look for Xid errors of these GPUs."
    static let mountHostRoot: Remedy = "Run the agent as root with the host's root directory mounted."
    static let completeDriver: Remedy =
        "The driver is incomplete. Install its libraries on the host, or remove the rest of the driver."
    static let freeTheAgent: Remedy =
        "The agent could not ask the driver. Run it as root, and check that it has memory, processes and space in /tmp."
}

/// A count with its noun: `1 device`, `2 devices`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
