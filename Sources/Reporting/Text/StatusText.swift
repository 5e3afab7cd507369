import NodeModel
import Selection
import Support

/// The status as text for users: first the verdict and the next action, then the details.
package struct StatusText {
    package var status: StatusDocument
    package var style: Style
    /// The current time in seconds since 1970, from which the text computes ages.
    package var now: Double

    package init(status: StatusDocument, style: Style, now: Double) {
        self.status = status
        self.style = style
        self.now = now
    }

    package var text: String {
        let sections = [head, activity, hardware, selection, checks, install, kubernetes, host]
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    private var head: [String] {
        let word = status.verdict.rawValue.uppercased().split(separator: "-").joined(separator: " ")
        let colored =
            switch status.verdict {
            case .ready, .noGPU, .leftAlone: style.green(word)
            case .installing, .waiting, .degraded, .unknown: style.yellow(word)
            case .notReady: style.red(word)
            }
        let decider = status.findings.first { $0.code == status.reason && $0.state != .pass }
        let reason = status.reason.map { "  \($0.rawValue)" } ?? ""
        let observed = decider.map { "  \($0.observed)" } ?? ""
        let works =
            status.verdict == .degraded && status.readiness == .usable
            ? ["  CUDA works on this node, so pods can use the GPUs."] : []
        return [style.bold(colored) + reason + observed] + works + last + ["→ \(status.nextAction)"] + daemon
    }

    /// What the daemon saw before NVML or CUDA stopped answering.
    private var last: [String] {
        guard let last = status.lastResults else { return [] }
        let reason = last.reason.map { " (\($0.rawValue))" } ?? ""
        return ["  The last inspection by the daemon, \(age(last.at)) ago: \(last.verdict.rawValue)\(reason)."]
    }

    /// That the daemon made the inspection, and when.
    private var daemon: [String] {
        guard let at = status.inspectedByDaemonAt else { return [] }
        let text = "Inspected by the daemon \(age(at)) ago. 'gpu-agent status --fresh' inspects the node now."
        return [style.faint("  \(text)")]
    }

    private func age(_ time: Timestamp) -> String { spoken(seconds: max(0, now - time.seconds)) }

    private var activity: [String] {
        status.activity.map { [title("Now")] + ActivityText(activity: $0, now: now).lines } ?? []
    }

    private func title(_ text: String) -> String { style.bold(text) }

    private var hardware: [String] {
        guard !status.gpus.isEmpty else { return [] }
        return [title("Hardware")]
            + status.gpus.flatMap { gpu -> [String] in
                let subsystem = gpu.subsystemId.map { " (subsystem \($0))" } ?? ""
                let name = gpu.name.map { "  \($0)" } ?? ""
                let memory = gpu.memoryMiB.map { ", \($0) MiB" } ?? ""
                let unmanaged = gpu.unmanaged.map { "  (not managed: \($0))" } ?? ""
                let mig = gpu.migMode.map { "  MIG \($0)" } ?? ""
                return ["  \(gpu.pciAddress)  \(gpu.pciId)\(subsystem)\(name)\(memory)\(unmanaged)"]
                    + (gpu.uuid.map { ["    \($0)\(mig)"] } ?? [])
                    + gpu.migDevices.map { "    \($0.uuid)  \($0.profile), \($0.memoryMiB) MiB" }
            }
    }

    private var selection: [String] {
        let decision = status.decision
        let owner = decision.owner.map { "  (owner: \($0.displayName))" } ?? ""
        let driver = decision.driver.map { "  \($0)" } ?? ""
        let lines = [title("Selection"), "  \(decision.action.rawValue)\(driver)\(owner)"]
        return lines + EvidenceText.lines(decision.evidence).map { style.faint("    \($0)") }
    }

    private var checks: [String] {
        let findings = status.findings.filter {
            $0.state != .notApplicable || [.noGPU, .leftAlone].contains(status.verdict)
        }
        guard !findings.isEmpty else { return [] }
        let width = findings.map(\.title.count).max() ?? 0
        return [title("Checks")]
            + findings.flatMap { finding -> [String] in
                let line = "  \(mark(finding.state)) \(padded(finding.title, width))  \(finding.observed)"
                guard finding.state != .pass, finding.state != .notApplicable else { return [line] }
                let remedy = finding.remedy.isEmpty ? [] : ["      → \(finding.remedy)"]
                let link = finding.remedy.link.map { ["      " + style.faint("see \($0)")] } ?? []
                return [line, "      \(finding.code.rawValue), expected: \(finding.expected)"] + remedy + link
            }
    }

    private func mark(_ state: Finding.State) -> String {
        switch state {
        case .pass: style.green("√")
        case .warning: style.yellow("‼")
        case .notice: style.faint("i")
        case .failed: style.red("×")
        case .unknown: style.yellow("?")
        case .notApplicable, .skipped: style.faint("–")
        }
    }

    private var install: [String] {
        guard !status.lastInstall.isEmpty else { return [] }
        let steps = status.lastInstall.map { step in
            let time = step.seconds.map { " \(spoken(seconds: $0))" } ?? ""
            return switch step.state {
            case .done: "\(step.step.rawValue)\(time)"
            case .started: style.yellow("\(step.step.rawValue) started")
            case .failed: style.red("\(step.step.rawValue) failed\(time): \(step.failure?.code.rawValue ?? "")")
            }
        }
        return [title("Last install"), "  " + steps.joined(separator: " · ")]
    }

    private var kubernetes: [String] {
        guard let published = status.published else { return [] }
        let when = published.at.map { "\(age($0)) ago" } ?? "never"
        let taint =
            switch published.tainted {
            case true: "taint present"
            case false: "no taint"
            case nil: "taint not known"
            }
        let line = "  node \(published.node): \(published.labels.count) labels, \(taint), published \(when)"
        let conditions = (published.conditions ?? []).map { condition in
            let why = condition.status == .yes ? "" : " (\(condition.reason))"
            return "\(condition.type) \(condition.status.rawValue)\(why)"
        }
        let failures = [published.failure, published.conditionsFailure.map { "conditions: \($0)" }].compactMap(\.self)
        return [title("Kubernetes"), line]
            + (conditions.isEmpty ? [] : ["  conditions: \(conditions.joined(separator: ", "))"])
            + failures.map { "  \(style.yellow("‼")) \($0)" }
    }

    private var host: [String] {
        let host = status.host
        let parts = [host.operatingSystem, host.kernelRelease.map { "kernel \($0)" }, host.architecture?.rawValue]
        let line = (parts + [host.machine]).compactMap(\.self).joined(separator: ", ")
        return line.isEmpty ? [] : [title("Host"), "  \(line)"]
    }
}
