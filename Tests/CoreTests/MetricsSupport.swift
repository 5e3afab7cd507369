import Catalog
import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import Support
import TestSupport

extension Metrics {
    /// The metrics of a node.
    static func of(_ facts: NodeFacts, _ change: (inout Metrics) -> Void = { _ in }) throws -> Metrics {
        let plan = try Plan.made(for: facts)
        let xids = [13: CatalogXid(code: 13, xidClass: .application), 79: CatalogXid(code: 79, xidClass: .reboot)]
        let checks = Checks(facts: facts, plan: plan, xids: xids)
        var metrics = Metrics(
            report: checks.report(),
            facts: facts,
            decision: plan.decision,
            journal: nil,
            apiRequests: [],
            lookedAt: 1_795_219_200.5
        )
        metrics.faults = checks.gpuFaults
        change(&metrics)
        return metrics
    }

    /// The metrics of a node with one of everything.
    static func full() throws -> Metrics {
        let address = PCIAddress(domain: 1, bus: 0, device: 0, function: 0)
        let facts = NodeFacts.rtxProReady.busy.with { facts in
            facts.gpuEvents = .reporting([.xid(13, at: address, count: 3)])
        }
        .withNVML { $0.gpus[0].license = .ending(["2027-01-31T00:00:00Z"]) }
        return try .of(facts) { metrics in
            var journal = Journal()
            let steps = [(StepID.download, 100.0, 12.5), (.install, 112.5, 97), (.load, 209.5, 3.25)]
            for (step, start, seconds) in steps {
                journal.begin(step, at: start)
                journal.end(step, at: start + seconds)
            }
            journal.begin(.verify, at: 213)
            metrics.journal = journal
            metrics.apiRequests = [
                APIRequestCount(verb: "get", resource: "nodes", outcome: "ok", count: 2),
                APIRequestCount(verb: "apply", resource: "nodes", outcome: "failed", count: 1),
            ]
            var published = PublishedState(node: "gpu-1", at: Timestamp(1_795_219_201), failure: "no answer")
            published.setTainted(true, at: Timestamp(1_795_218_000))
            metrics.published = published
            var boot = BootRecord.continuing(nil, boot: "this", at: Timestamp(1_795_219_200), uptime: 1200)
            for (index, phase) in BootRecord.Phase.allCases.enumerated() {
                boot.reached(phase, at: 10.25 * Double(index + 1))
            }
            boot.attempts = 2
            boot.failed(.downloadFailed)
            metrics.boot = boot
            metrics.probes = [.pci: 0.004, .nvml: 0.75]
            metrics.inspectionSeconds = 1.5
            metrics.version = "1.2.3"
            metrics.showsGPUs = true
        }
    }

    /// The samples of some families, each with its value.
    func samples(_ names: String...) -> [String] {
        families.filter { names.contains($0.name) }.map { $0.text(.text) }.joined().split(separator: "\n")
            .filter { !$0.hasPrefix("#") }.map(String.init)
    }
}

extension NodeFacts {
    /// The same node, whose first GPU computes.
    var busy: NodeFacts {
        withNVML { nvml in
            let traits: [(GPUTrait, Int)] = [
                (.temperature, 54), (.power, 271_500), (.gpuUtilization, 37), (.memoryUsedMiB, 1024),
            ]
            for (trait, number) in traits { nvml.gpus[0].traits[trait] = .present(.number(number)) }
        }
    }
}

extension Reading<GPUEventFacts> {
    /// What the kernel log of the boot `this` reported.
    static func reporting(_ events: [GPUEvent]) -> Reading<GPUEventFacts> {
        .present(GPUEventFacts(history: GPUHistory(events: events), boot: "this", at: Timestamp(1_795_219_200)))
    }
}

extension GPUEvent {
    /// An Xid of a minute ago.
    static func xid(_ code: Int, at address: PCIAddress, boot: String = "this", count: Int = 1) -> GPUEvent {
        GPUEvent(
            kind: .xid,
            code: code,
            address: address,
            text: "a test",
            boot: boot,
            sequence: 7,
            at: Timestamp(1_795_219_140),
            count: count
        )
    }
}

extension Reading<LicenseFacts> {
    /// A license of a vGPU, with features that end.
    static func ending(_ ends: [String]) -> Reading<LicenseFacts> {
        let features = ends.map {
            LicenseFeature(
                code: "vgpu",
                licensed: true,
                enabled: true,
                product: nil,
                expiryStatus: "valid",
                expires: $0
            )
        }
        return .present(LicenseFacts(licensed: true, product: nil, features: features))
    }
}
