package import NodeModel

/// One thing that can be wrong with a node: its name, what it depends on, how the agent finds it, and what people do
/// about it.
///
/// Each check has a file of its own and one line in `CheckRegistry`.
package struct Check: Sendable {
    /// The stable name of the failure: a metric label, the reason of a verdict and the anchor in the documentation.
    package let code: ReasonCode
    /// The statement that holds when the check passes, as a clause: `the kernel module nvidia is loaded`.
    package let title: String
    /// The section of the documentation.
    package let group: Group
    /// When in the life of a node the check matters.
    package let phase: Phase
    /// The codes whose failure explains a failure of this check, which the report then leaves out.
    package let dependencies: [ReasonCode]
    /// How long a failure must last before the daemon counts it.
    ///
    /// Zero for a failure that never goes away by itself.
    package let settlingTime: Duration
    /// The state of a finding of this code that another room raises: `failed`, or `unknown` where the finding says that
    /// the agent could not tell.
    package let raisedState: Finding.State
    /// What a failure means, in Markdown.
    package let meaning: String
    /// What to do about a failure, in Markdown.
    package let advice: String
    /// Nil for a code that only other rooms raise: the selection, the preflight and the executor of an install.
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

    /// Whether the check looks at the node itself; otherwise other rooms raise its code.
    package var looksAtTheNode: Bool { function != nil }

    /// What the check finds; nil where it does not concern the node.
    package func outcome(on node: CheckedNode) -> Outcome? { function?(node) }

    /// Where the documentation explains the code, as a path in the repository with an anchor.
    package var documentation: String { "docs/reason-codes.md#\(code.rawValue)" }
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
        case mig = "MIG"
        case license = "vGPU license"

        /// What the documentation says of the whole section, in Markdown; nil where there is nothing to say.
        package var introduction: String? {
            guard self == .install else { return nil }
            return
                "After a failed install the daemon waits 30 seconds before it tries again. It doubles the pause after "
                + "each failure, up to half an hour. After a wrong checksum it waits half an hour at once."
        }
    }

    /// The life of a node, in its order: a failure of an earlier phase weighs more.
    package enum Phase: Int, Sendable, CaseIterable, Comparable {
        /// The agent reads the PCI bus and the host.
        case discover
        /// The agent chooses a driver.
        case select
        /// The agent checks that the host can take the driver.
        case prepare
        /// The agent changes the host.
        case install
        /// The driver is on the host and gets loaded.
        case load
        /// Programs use the GPUs.
        case use

        package static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }
}
