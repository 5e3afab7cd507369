import Health
package import NodeModel
package import Planning
package import Selection
import TestSupport

extension Plan {
    /// The plan without steps for `NodeFacts.h100Ready`, which has a datacenter driver.
    package static let adoptedH100 = adopted(.datacenter, "595.71.05")
    /// The plan without steps for `NodeFacts.rtxProReady`, which has a GRID driver.
    package static let adoptedRTXPro = adopted(.grid, "595.91.07")

    private static func adopted(_ kind: DriverKind, _ version: String) -> Plan {
        let target = DriverVersion(version).map { DriverTarget(kind: kind, version: $0, kernelModuleType: .open) }
        let decision = Decision(action: .adopt, driver: target, owner: .gpuAgent, summary: "adopt")
        return Plan(decision: decision, steps: [], problems: [])
    }

    package static func blocked(_ problems: [Finding], driver: DriverTarget? = nil) -> Plan {
        let decision = Decision(action: .blocked, driver: driver, summary: "blocked", problems: problems)
        return Plan(decision: decision, steps: [], problems: [])
    }

    /// The plan for a node, created in the same way as in the agent.
    package static func made(
        for facts: NodeFacts,
        journal: Journal? = nil,
        policy: Policy = Policy()
    ) throws -> Plan {
        let decision = Selection(catalog: try fourDriverCatalog(), policy: policy).decide(facts)
        return Planner(source: policy.source).plan(facts, decision, journal: journal)
    }
}

extension NodeReport {
    /// The report on a node, created in the same way as in the agent.
    package static func made(for facts: NodeFacts) throws -> NodeReport {
        Checks(facts: facts, plan: try .made(for: facts)).report()
    }

    package func finding(_ code: ReasonCode) -> Finding? { findings.first { $0.code == code } }
}
