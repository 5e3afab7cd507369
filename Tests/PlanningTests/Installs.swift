import Catalog
import NodeModel
import Planning
import Selection
import Support
import TestSupport

/// Plans of the runfile recipe for tests that need one.
enum Installs {
    static let version = "595.91.07"
    static let package = "/var/lib/gpu-agent/packages/NVIDIA-grid.run"

    /// The plan for a node that gets the GRID driver.
    static func plan(
        _ facts: NodeFacts,
        takesOver: DriverOwner? = nil,
        journal: Journal? = nil,
        source: PackageSource? = nil
    ) -> Plan {
        let artifact = Artifact(
            urls: ["https://example.com/NVIDIA-grid.run"],
            digest: Checksum(.sha256, String(repeating: "cd", count: 32))
        )
        let driver = DriverVersion(version).map {
            DriverTarget(kind: .grid, version: $0, kernelModuleType: .open, artifact: artifact)
        }
        var decision = Decision(action: .install, driver: driver, summary: "install")
        decision.takesOver = takesOver
        return Planner(source: source).plan(facts, decision, journal: journal)
    }

    /// A node whose driver another owner installed with NVIDIA's installer.
    static let foreign = NodeFacts.rtxProVGPU.with {
        $0.driver = .loaded("580.105.08", .open, kind: .grid)
        $0.claims.runfile = .present("580.105.08")
    }

    /// A node with a different driver that the agent installed.
    static let own = NodeFacts.rtxProVGPU.with {
        $0.driver = .loaded("580.105.08", .open, kind: .grid, record: .installed)
    }

    /// The journal after the first steps of a plan, the last of which was interrupted or succeeded.
    static func journal(_ plan: Plan, steps count: Int, cutOff: Bool = false) -> Journal {
        var journal = Journal()
        for (index, step) in plan.steps.prefix(count).enumerated() {
            journal.begin(step, at: Timestamp(Double(index)))
            for effect in step.effects {
                if case .record(let record) = effect { journal.record = record }
            }
            guard !cutOff || index < count - 1 else { break }
            journal.end(step.id, at: Timestamp(Double(index) + 0.5))
        }
        return journal
    }
}
