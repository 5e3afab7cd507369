package import MIG
package import NodeModel

/// What `gpu-agent mig plan`, `assert`, `apply` and `restore` print.
package struct MIGDocument: Encodable, Equatable {
    package enum Kind: String, Encodable, Sendable {
        case plan = "MIGPlan"
        case assertion = "MIGAssertion"
        case result = "MIGResult"
    }

    /// The state of the layout on the node.
    package enum State: String, Encodable, Sendable {
        /// All GPUs have the layout.
        case success
        /// The agent can make the layout now.
        case possible
        /// A GPU needs a reset or a reboot first.
        case resetRequired = "reset-required"
        /// Only a reboot helps, because most virtual machines cannot reset a GPU.
        case rebootRequired = "reboot-required"
        /// The GPUs do not have the layout, and the agent cannot make it, or a step failed.
        case failed
        /// No layout is recorded, so there is nothing to restore.
        case notRecorded = "not-recorded"
    }

    package struct GPU: Encodable, Equatable {
        package var index: Int
        package var pciAddress: PCIAddress
        package var uuid: String
        package var name: String
        /// The layouts for people.
        package var current: String
        package var target: String
        /// `matches`, `change`, `reset`, `impossible`, `in-use` or `refused`.
        package var outcome: String
        /// Why the GPU cannot be changed; nil when it can.
        package var why: String?
        /// The processes in the way.
        package var users: [DeviceUser]?
        package var steps: [MIGStep]
        /// The IDs of the GPU instances that stay.
        package var kept: [Int]
        /// The error of the step that failed.
        package var failure: String?
    }

    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind: Kind
    /// The name of the layout, or the names of several; nil when none is recorded.
    package var layout: String?
    package var state: State
    package var problems: [String]
    package var gpus: [GPU]
    private let isVirtualMachine: Bool

    private enum CodingKeys: String, CodingKey { case apiVersion, kind, layout, state, problems, gpus }

    /// - Parameters:
    ///   - kind: What the document is.
    ///   - plan: The plan of the node; for a result that of the reading after the change.
    ///   - failures: The errors of steps, by the UUIDs of the GPUs.
    ///   - isVirtualMachine: Whether the node is a virtual machine, most of which cannot reset a GPU.
    package init(
        _ kind: Kind,
        _ plan: MIGNodePlan,
        failures: [String: String] = [:],
        isVirtualMachine: Bool
    ) {
        self.kind = kind
        self.isVirtualMachine = isVirtualMachine
        layout = plan.layout
        problems = plan.problems + plan.missing
        gpus = plan.gpus.map { GPU($0, failure: failures[$0.gpu.uuid]) }
        let waits = plan.gpus.contains { $0.outcome == .reset }
        let others = plan.gpus.filter { $0.outcome != .reset }
        if plan.matches, failures.isEmpty {
            state = .success
        } else if kind != .result, plan.isPossible {
            state = .possible
        } else if waits, failures.isEmpty, problems.isEmpty, others.allSatisfy({ $0.outcome == .matches }) {
            state = isVirtualMachine ? .rebootRequired : .resetRequired
        } else {
            state = .failed
        }
    }

    private init() {
        (kind, state, isVirtualMachine, problems, gpus) = (.result, .notRecorded, false, [], [])
    }

    /// The result of `mig restore` on a host without a record.
    package static let notRecorded = MIGDocument()

    package func text(_ style: Style) -> String {
        guard let layout else { return "No MIG layout is recorded on this host. 'gpu-agent mig apply' records one.\n" }
        var lines = [style.bold("MIG layout \(layout)") + ": \(summary)"]
        lines += problems.map { "\(style.red("×")) \($0)" }
        for gpu in gpus { lines += gpu.lines(style, reset: reset, isResult: kind == .result) }
        if gpus.isEmpty, problems.isEmpty { lines.append("The layout names no GPU of this node.") }
        return lines.map { $0 + "\n" }.joined()
    }

    private var summary: String {
        switch state {
        case .success: "all GPUs have it"
        case .possible: "'gpu-agent mig apply' makes it"
        case .resetRequired: "reset-required"
        case .rebootRequired: "reboot-required"
        case .failed: kind == .result ? "the GPUs do not have it" : "it cannot be made now"
        case .notRecorded: "not recorded"
        }
    }

    private var reset: String {
        isVirtualMachine
            ? "Reboot the node. Most virtual machines cannot reset a GPU. Then run the command again."
            : "Stop the programs that use the GPU, and run 'nvidia-smi --gpu-reset -i ADDRESS', or reboot the node. "
                + "Then run the command again."
    }
}

extension MIGDocument.GPU {
    fileprivate init(_ plan: MIGGPUPlan, failure: String?) {
        let gpu = plan.gpu
        (index, pciAddress, uuid, name) = (gpu.index, gpu.pciAddress, gpu.uuid, gpu.name)
        current = MIGLayoutText.text(gpu)
        target = plan.target.text
        (steps, kept, self.failure) = (plan.steps, plan.kept, failure)
        switch plan.outcome {
        case .matches: outcome = "matches"
        case .change, .turnOn: outcome = "change"
        case .reset: outcome = "reset"
        case .impossible(let why): (outcome, self.why) = ("impossible", why)
        case .refused(let why): (outcome, self.why) = ("refused", why)
        case .inUse(let users): (outcome, self.users) = ("in-use", users)
        }
    }

    fileprivate func lines(_ style: Style, reset: String, isResult: Bool) -> [String] {
        let isBad = outcome != "matches" && (outcome != "change" || isResult)
        let mark = isBad || failure != nil ? style.red("×") : outcome == "matches" ? style.green("√") : "·"
        var lines = ["\(mark) GPU \(index) (\(pciAddress)) \(name): \(current)"]
        if outcome != "matches" { lines.append("    wanted: \(target)") }
        if let failure { lines.append("    failed: \(failure)") }
        if isResult, !steps.isEmpty { lines.append("    still to do:") }
        lines += steps.map { "    - \($0.text)" }
        if steps.contains(where: { $0.action == .setMode && $0.enabled == true }), steps.count == 1 {
            lines.append("    - create the instances, whose places NVML names when MIG mode is on")
        }
        if let why { lines.append("    \(why).") }
        if let users {
            let list = users.prefix(20).map(\.name).joined(separator: ", ")
            let more = users.count > 20 ? ", and \(users.count - 20) more" : ""
            lines += ["    in use by \(list)\(more)", "    → Stop these processes, and run the command again."]
        }
        if outcome == "reset" { lines.append("    → \(reset.replacing("ADDRESS", with: "\(pciAddress)"))") }
        return lines
    }
}
