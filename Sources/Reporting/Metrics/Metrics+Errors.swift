import Catalog
import Health
import NodeModel

extension Metrics {
    /// The errors of the GPUs, and the processes that hang.
    var errorFamilies: [MetricFamily] { [openErrors, reports, abandoned] }

    /// The errors that are not over, without those that need no attention.
    private var openErrors: MetricFamily {
        let help = "The number of errors of the driver that are not over, by class and code."
        let family = MetricFamily("gpu_agent_gpu_errors", help)
        guard let faults else { return family }
        let keys = faults.faults.map { ErrorKey($0.event, faults, xidClass: $0.xidClass.rawValue) }
        return ErrorKey.counts(keys.map { ($0, 1) }).reduce(family) { $0.sample($1.key.labels, Double($1.count)) }
    }

    /// What the driver reported in this boot, also what is over.
    private var reports: MetricFamily {
        let help = "How often the driver reported an error since the boot, by code."
        let family = MetricFamily("gpu_agent_gpu_error_reports_total", help, .counter)
        guard let faults, let events = facts.gpuEvents.value else { return family }
        let counted = events.history.events.filter { $0.boot == events.boot }.map { (ErrorKey($0, faults), $0.count) }
        return ErrorKey.counts(counted).reduce(family) { $0.sample($1.key.labels, Double($1.count)) }
    }

    private var abandoned: MetricFamily {
        MetricFamily(
            "gpu_agent_abandoned_processes",
            "The number of child processes of the agent that hang in the driver and cannot be killed."
        ).sample([], Double(abandonedProcesses))
    }
}

/// The labels of an error.
private struct ErrorKey: Hashable, Comparable {
    let kind: String
    let xidClass: String?
    /// The number, for sorting; the largest one for an error that the catalog does not know.
    let number: Int

    /// A code that the catalog does not know has the label `other`, so that the number of labels has a bound.
    init(_ event: GPUEvent, _ faults: GPUFaults, xidClass: String? = nil) {
        kind = event.kind.rawValue
        self.xidClass = xidClass
        number = faults.isKnown(event) ? event.xid ?? event.code ?? .max : .max
    }

    var labels: [(String, String)] {
        [("kind", kind)] + (xidClass.map { [("class", $0)] } ?? []) + [("code", number == .max ? "other" : "\(number)")]
    }

    static func < (left: ErrorKey, right: ErrorKey) -> Bool {
        (left.kind, left.xidClass ?? "", left.number) < (right.kind, right.xidClass ?? "", right.number)
    }

    /// The sums by key, sorted.
    static func counts(_ all: [(ErrorKey, Int)]) -> [(key: ErrorKey, count: Int)] {
        Dictionary(all, uniquingKeysWith: { min($0, Int(Int32.max)) + min($1, Int(Int32.max)) })
            .sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
