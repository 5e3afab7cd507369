import Health
package import NodeModel
package import Selection
import Support

/// The state of a node in the text format of Prometheus, version 0.0.4.
package struct Metrics: Sendable {
    package var report: NodeReport
    /// The facts about the GPUs that the agent manages.
    private let facts: NodeFacts
    package var journal: Journal?
    /// The requests to the API server since the start of the agent, by verb and outcome.
    package var apiRequests: [APIRequestCount]
    /// The result of the last attempt to publish; nil on a node without a cluster.
    package var published: PublishedState?
    /// The time when the agent last read the facts of the node, in seconds since 1970.
    package var lookedAt: Double
    /// The number of the agent's child processes that hang in the driver and cannot be killed.
    package var abandonedProcesses: Int

    /// The number of requests of one kind.
    package struct APIRequestCount: Sendable, Equatable {
        package var verb: String
        package var outcome: String
        package var count: Int

        package init(verb: String, outcome: String, count: Int) {
            self.verb = verb
            self.outcome = outcome
            self.count = count
        }
    }

    package init(
        report: NodeReport,
        facts: NodeFacts,
        decision: Decision,
        journal: Journal?,
        apiRequests: [APIRequestCount],
        published: PublishedState? = nil,
        lookedAt: Double,
        abandonedProcesses: Int = 0
    ) {
        self.report = report
        self.facts = decision.managed(facts)
        self.journal = journal
        self.apiRequests = apiRequests
        self.published = published
        self.lookedAt = lookedAt
        self.abandonedProcesses = abandonedProcesses
    }

    package var text: String {
        var families = [verdict, counts, findings, driver]
        families.append(
            Family(
                "gpu_agent_last_look_timestamp_seconds",
                "When the agent last inspected the node, in seconds since 1970."
            )
            .sample([], lookedAt)
        )
        families.append(
            Family(
                "gpu_agent_abandoned_processes",
                "The number of child processes of the agent that hang in the driver and cannot be killed."
            )
            .sample([], Double(abandonedProcesses))
        )
        if let at = published?.at {
            families.append(
                Family(
                    "gpu_agent_last_publication_timestamp_seconds",
                    "When the API server last accepted the state of the node, in seconds since 1970."
                ).sample([], at.seconds)
            )
        }
        if let journal { families.append(steps(journal)) }
        families.append(requests)
        return families.map(\.text).joined()
    }

    private var verdict: Family {
        let help = "The verdict on this node: 1 for the current verdict, 0 for the others."
        return Verdict.allCases.reduce(Family("gpu_agent_verdict", help)) {
            $0.sample([("verdict", $1.rawValue)], $1 == report.verdict ? 1 : 0)
        }
    }

    private var counts: Family {
        var family = Family("gpu_agent_gpus", "The number of GPUs that the agent manages, by source.")
            .sample([("source", "pci")], Double(facts.gpus.count))
        if let seen = facts.seenGPUs.value {
            family = family.sample([("source", "seen")], Double(seen.addresses.count))
        }
        guard let nvml = facts.vendor.value?.nvml.value else { return family }
        return
            family
            .sample([("source", "nvml")], Double(nvml.gpus.count))
            .sample([("source", "mig")], Double(nvml.gpus.reduce(0) { $0 + ($1.migDevices.value?.count ?? 0) }))
    }

    private var findings: Family {
        let help = "The result of a check: 1 if it passed or returned only a notice, 0 otherwise."
        let family = Family("gpu_agent_check_passed", help)
        // A check can have several findings, such as one for each file system without enough space.
        let all = report.findings + Checks.findings(about: published)
        return CheckRegistry.checks.reduce(family) { family, check in
            let states = all.filter { $0.code == check.code && $0.state != .notApplicable }.map(\.state)
            guard !states.isEmpty else { return family }
            let holds = states.allSatisfy { [.pass, .notice].contains($0) }
            return family.sample([("code", check.code.rawValue)], holds ? 1 : 0)
        }
    }

    private var driver: Family {
        let family = Family("gpu_agent_driver_info", "The loaded driver.")
        guard let version = facts.driver.loadedVersion.value else { return family }
        let labels = [
            ("version", version), ("kind", facts.installedKind(ofVersion: version)?.kind.rawValue ?? "unknown"),
            ("kernel_module_type", facts.driver.runningModule.value?.kernelModuleType.rawValue ?? "unknown"),
        ]
        return family.sample(labels, 1)
    }

    private func steps(_ journal: Journal) -> Family {
        journal.steps.reduce(Family("gpu_agent_install_step_seconds", "The duration of each step of the last install."))
        {
            guard let seconds = $1.seconds else { return $0 }
            return $0.sample([("step", $1.step.rawValue), ("state", $1.state.rawValue)], seconds)
        }
    }

    private var requests: Family {
        let name = "gpu_agent_api_requests_total"
        return apiRequests.reduce(Family(name, "The number of requests to the API server.", type: "counter")) {
            $0.sample([("verb", $1.verb), ("outcome", $1.outcome)], Double($1.count))
        }
    }
}

/// A metric with its samples; a metric without samples is not printed.
private struct Family {
    let name: String
    let help: String
    let type: String
    var samples: [String] = []

    init(_ name: String, _ help: String, type: String = "gauge") {
        self.name = name
        self.help = help
        self.type = type
    }

    func sample(_ labels: [(String, String)], _ value: Double) -> Family {
        var copy = self
        let number = Int(exactly: value).map(String.init) ?? String(value)
        let pairs = labels.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",")
        let line = pairs.isEmpty ? "\(name) \(number)" : "\(name){\(pairs)} \(number)"
        // Two places can count requests of the same kind, but a metric must have each sample only once.
        if !copy.samples.contains(where: { $0.hasPrefix("\(name){\(pairs)} ") }) { copy.samples.append(line) }
        return copy
    }

    var text: String {
        guard !samples.isEmpty else { return "" }
        return "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n" + samples.map { $0 + "\n" }.joined()
    }

    private func escaped(_ value: String) -> String {
        // Iterates over scalars, because Swift treats a carriage return and a line feed as one character.
        value.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
