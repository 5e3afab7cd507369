package import Health
package import NodeModel
package import Selection

/// The state of a node as metrics.
///
/// A value that is not known is left out. No label has a value from outside without a bound on the number of its values.
package struct Metrics: Sendable {
    package var report: NodeReport
    /// The facts about the GPUs that the agent manages.
    let facts: NodeFacts
    package var journal: Journal?
    /// The requests to the API server since the start of the agent.
    package var apiRequests: [APIRequestCount]
    /// The result of the last attempt to publish; nil on a node without a cluster.
    package var published: PublishedState?
    /// The time when the agent last read the facts of the node, in seconds since 1970.
    package var lookedAt: Double
    /// The number of the agent's child processes that hang in the driver and cannot be killed.
    package var abandonedProcesses: Int
    /// The errors of the GPUs that are not over; nil when the agent does not know them.
    package var faults: GPUFaults?
    /// What happened since the boot; nil when the agent does not record it.
    package var boot: BootRecord?
    /// How long the parts of an inspection took when they last ran, in seconds.
    package var probes: [ProbePart: Double] = [:]
    /// How long the last inspection took, in seconds; nil before the first one.
    package var inspectionSeconds: Double?
    /// The version of the agent; nil when it is not known.
    package var version: String?
    /// Whether the metrics have the temperature, the power and the use of each GPU.
    package var showsGPUs = false

    /// The number of requests of one kind.
    package struct APIRequestCount: Sendable, Equatable {
        package var verb: String
        /// What the request was about, such as `nodes` or `nodes/status`.
        package var resource: String
        package var outcome: String
        package var count: Int

        package init(verb: String, resource: String, outcome: String, count: Int) {
            self.verb = verb
            self.resource = resource
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

    /// The families in the order in which they are printed.
    package var families: [MetricFamily] {
        verdictFamilies + gpuFamilies + licenseFamilies + errorFamilies + versionFamilies + inspectionFamilies
            + clusterFamilies + bootFamilies + installFamilies + (showsGPUs ? usageFamilies : [])
    }

    /// The metrics in a format.
    package func text(_ format: MetricsFormat = .text) -> String {
        families.map { $0.text(format) }.joined() + format.end
    }
}

/// A part of an inspection whose time is measured.
package enum ProbePart: String, CaseIterable, Sendable {
    case pci, host, build, claims, driver, runtime, plugin, nvml, cuda, peers, vulkan
}
