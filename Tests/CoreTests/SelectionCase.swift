import Catalog
import NodeModel
import Selection
import TestSupport
import Testing

/// One row of a table of decisions: a node, a change to it, and the expected decision.
struct SelectionCase: Sendable, CustomTestStringConvertible {
    /// The expected decision.
    enum Expected: Sendable, Equatable {
        case install(String)
        case adopt(String, DriverOwner)
        case idle
        /// Blocked with one problem of this code, and with the driver when the decision names one.
        case blocked(ReasonCode, String? = nil)

        init(_ decision: Decision) {
            let driver = decision.driver?.description
            switch decision.action {
            case .install: self = .install(driver ?? "no driver")
            case .adopt: self = .adopt(driver ?? "no driver", decision.owner ?? .other)
            case .idle: self = .idle
            case .blocked: self = .blocked(decision.problems.first?.code ?? .installFailed, driver)
            }
        }
    }

    var name: String
    var facts: NodeFacts
    var policy: Policy
    var expected: Expected

    var testDescription: String { name }

    init(
        _ name: String,
        _ facts: NodeFacts,
        policy: Policy = Policy(),
        _ expected: Expected,
        _ change: (inout NodeFacts) -> Void = { _ in }
    ) {
        self.name = name
        self.facts = facts.with(change)
        self.policy = policy
        self.expected = expected
    }

    /// A row that changes the GPU.
    static func gpu(
        _ name: String,
        _ facts: NodeFacts,
        _ expected: Expected,
        _ change: (inout PCIFunction) -> Void
    ) -> SelectionCase {
        SelectionCase(name, facts.withGPU(change), expected)
    }

    /// A row that changes the driver on the host.
    static func driver(
        _ name: String,
        _ facts: NodeFacts,
        _ driver: DriverFacts,
        policy: Policy = Policy(),
        _ expected: Expected,
        _ change: (inout DriverFacts) -> Void = { _ in }
    ) -> SelectionCase {
        SelectionCase(name, facts, policy: policy, expected) { facts in
            facts.driver = driver
            change(&facts.driver)
        }
    }

    func decide(_ catalog: Catalog) -> Decision {
        Selection(catalog: catalog, policy: policy).decide(facts)
    }
}

/// The descriptions of drivers in the catalog of the repository.
enum Driver {
    static let grid595 = "GRID driver 595.91.07 with open kernel modules"
    static let grid580 = "GRID driver 580.105.08 with open kernel modules"
    static let datacenter595 = "datacenter driver 595.71.05 with open kernel modules"
    static let datacenter580 = "datacenter driver 580.159.04 with open kernel modules"
}

extension VGPUCapability {
    /// The capability that a vGPU host with this driver writes into the configuration space of a guest.
    static func host(_ version: String?) -> Reading<VGPUCapability> {
        .present(VGPUCapability(hostDriverVersion: version, hostDriverBranch: nil))
    }
}
