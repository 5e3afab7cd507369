package import NodeModel

/// A check: one problem that a node can have, how the agent detects it, and how to correct it.
///
/// Each check has its own file and one line in `CheckRegistry`.
package struct Check: Sendable {
    /// The stable name of the failure.
    ///
    /// It is a metric label, the reason for a verdict, and the anchor in the documentation.
    package let code: ReasonCode
    /// The statement that is true when the check passes, as a clause such as `the kernel module nvidia is loaded`.
    package let title: String
    /// The section of the documentation that describes the check.
    package let group: Group
    /// The phase in the life of a node that the check belongs to.
    package let phase: Phase
    /// The codes whose failure explains a failure of this check.
    ///
    /// While one of them fails, the report omits this check.
    package let dependencies: [ReasonCode]
    /// How long a failure must last before the daemon counts it.
    ///
    /// It is zero for a failure that does not disappear without an action.
    package let settlingTime: Duration
    /// The state of a finding with this code that another module raises.
    ///
    /// It is `failed`, or `unknown` when the finding says that the agent could not tell.
    package let raisedState: Finding.State
    /// What a failure means, in Markdown.
    package let meaning: String
    /// What to do about a failure, in Markdown.
    package let advice: String
    /// The function that checks a node.
    ///
    /// It is nil for a code that only the selection, the preflight or the executor of an install raises.
    private let function: (@Sendable (CheckedNode) -> Outcome?)?

    package init(
        _ code: ReasonCode,
        title: String,
        group: Group,
        phase: Phase,
        dependsOn dependencies: [ReasonCode] = [],
        settlesWithin settlingTime: Duration = .zero,
        raisedAs raisedState: Finding.State = .failed,
        meaning: String,
        advice: String,
        function: (@Sendable (CheckedNode) -> Outcome?)? = nil
    ) {
        self.code = code
        self.title = title
        self.group = group
        self.phase = phase
        self.dependencies = dependencies
        self.settlingTime = settlingTime
        self.raisedState = raisedState
        self.meaning = meaning
        self.advice = advice
        self.function = function
    }

    /// Whether the check examines the node itself; false when only other modules raise its code.
    package var looksAtTheNode: Bool { function != nil }

    /// The result of the check; nil when the check does not concern the node.
    package func outcome(on node: CheckedNode) -> Outcome? { function?(node) }

}

extension Check {
    /// The sections of the documentation, in its order.
    package enum Group: String, Sendable, CaseIterable {
        case hardware = "Hardware"
        case selection = "Driver selection"
        case preflight = "Before an install"
        case install = "The install"
        case driver = "The driver on the host"
        case gpus = "NVML, CUDA and the GPUs"
        case errors = "Errors of the GPUs"
        case mig = "MIG"
        case license = "vGPU license"
        case runtime = "The container runtime"
        case publication = "The publication in the cluster"

        /// The introduction of the section in the documentation, in Markdown; nil when the section has none.
        package var introduction: String? {
            guard self == .install else { return nil }
            return
                "After a failed install, the daemon waits 30 seconds before it tries again. It doubles the delay after "
                + "each failure, up to 30 minutes. After a wrong checksum, it waits 30 minutes before the first retry."
        }
    }

    /// The phases in the life of a node, in order.
    ///
    /// A failure in an earlier phase is more severe.
    package enum Phase: Int, Sendable, CaseIterable, Comparable {
        /// The agent reads the PCI bus and the host.
        case discover
        /// The agent chooses a driver.
        case select
        /// The agent checks that the driver can be installed on the host.
        case prepare
        /// The agent changes the host.
        case install
        /// The driver is on the host, and its kernel modules are loaded.
        case load
        /// Programs use the GPUs.
        case use
        /// The agent publishes the state of the node.
        case publish

        package static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }
}
