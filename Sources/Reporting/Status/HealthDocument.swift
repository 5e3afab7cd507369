package import Catalog
package import Health
package import NodeModel
import Support

/// The errors of the GPUs of a node, as `gpu-agent health` prints them.
package struct HealthDocument: Encodable, Equatable {
    /// An error that is not over.
    package struct Fault: Encodable, Equatable {
        package var event: GPUEvent
        /// The address of the GPU now.
        package var address: PCIAddress
        package var xidClass: XidClass
        package var why: String
        /// What must happen before the error is over: `time`, `gpu-reset`, `reboot`, `test` or `person`.
        package var waitsFor: String
        /// Why the GPU does not pass its test; nil unless the error waits for it.
        package var testFailure: String?

        private enum CodingKeys: String, CodingKey {
            case event, address, xidClass = "class", why, waitsFor, testFailure
        }
    }

    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "GPUHealth"
    /// The errors that are not over, the most severe first.
    package var faults: [Fault]
    /// All errors that the agent remembers, the latest first.
    package var history: [GPUEvent]
    /// The parts of the kernel log of this boot that the agent did not read.
    package var gaps: [KernelLogPosition.Gap]
    /// Why the agent cannot read the kernel log now; nil when it can.
    package var logFailure: String?

    package init(_ faults: GPUFaults, _ facts: GPUEventFacts) {
        self.faults = faults.faults.map(Fault.init)
        history = facts.history.events.sorted { $0.last.milliseconds > $1.last.milliseconds }
        gaps = facts.gaps
        logFailure = facts.logFailure
    }

    package func text(_ style: Style) -> String {
        var lines =
            faults.isEmpty ? [style.green("√") + " No error of a GPU is open."] : faults.flatMap { $0.lines(style) }
        if let logFailure { lines += [style.yellow("!") + " The agent cannot read the kernel log: \(logFailure)"] }
        lines += gaps.map { gap in
            style.yellow("!") + " The kernel overwrote up to \(gap.records) records of its log before "
                + "\(gap.at.wholeSeconds), and the agent did not read them."
        }
        let over = history.filter { $0.end != nil }
        if !over.isEmpty {
            lines += ["", style.bold("History")]
            lines += over.map { "  \($0.last.wholeSeconds)  \($0.address)  \($0.name): \($0.text)\($0.ending)" }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension HealthDocument.Fault {
    init(_ fault: GPUFaults.Fault) {
        (event, address, xidClass, why) = (fault.event, fault.address, fault.xidClass, fault.why)
        switch fault.wait {
        case .time: waitsFor = "time"
        case .reset: waitsFor = "gpu-reset"
        case .reboot: waitsFor = "reboot"
        case .test(let failure): (waitsFor, testFailure) = ("test", failure)
        case .person: waitsFor = "person"
        }
    }

    fileprivate func lines(_ style: Style) -> [String] {
        let mark = xidClass >= .gpuReset ? style.red("×") : style.yellow("!")
        let times =
            event.count == 1
            ? "at \(event.last.wholeSeconds)"
            : "\(event.count) times, last at \(event.last.wholeSeconds)"
        return [
            "\(mark) \(style.bold("\(address)")) \(event.name) (\(xidClass.rawValue)) \(times)",
            "    \(event.text)",
            "    \(why)",
            "    → \(nextAction)",
        ]
    }

    private var nextAction: String {
        switch waitsFor {
        case "gpu-reset":
            "Stop the programs that use the GPU, and run 'nvidia-smi --gpu-reset -i \(address)', or reboot the node."
        case "reboot": "Drain the node and reboot it."
        case "test": "The GPU was reset or the node was rebooted, but \(testFailure ?? "the test failed")."
        case "person": "Examine the GPU. Then run 'gpu-agent health clear \(address) --reason TEXT'."
        case _ where xidClass == .application: "Look at the program. The GPU works for the next one."
        default: "Nothing is known to help. The error is forgotten after a day without it, and after a reboot."
        }
    }
}

extension GPUEvent {
    /// How the event ended, for people; empty while it is open.
    fileprivate var ending: String {
        guard let end else { return "" }
        let at = end.at.wholeSeconds
        return switch end.way {
        case .reboot: " (over after a reboot, \(at))"
        case .reset: " (over after a reset, \(at))"
        case .driver: " (over, because the driver needs no action any more, \(at))"
        case .replaced: " (over, because the GPU was replaced, \(at))"
        case .age: " (over after a day, \(at))"
        case .person: " (cleared by \(end.user ?? "an unknown user") at \(at): \(end.reason ?? "no reason"))"
        }
    }
}

/// The result of `gpu-agent health clear`.
package struct HealthClearance: Encodable, Equatable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "GPUHealthClearance"
    /// The errors that the command cleared.
    package var cleared: [GPUEvent]

    package init(cleared: [GPUEvent]) {
        self.cleared = cleared
    }

    package var text: String {
        cleared.map { "cleared \($0.name) of \($0.address)\n" }.joined()
    }
}
