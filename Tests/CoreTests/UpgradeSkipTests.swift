import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import TestSupport
import Testing

/// When the agent tells the operator's upgrade controller to leave the node out.
@Suite struct UpgradeSkipTests {
    private static let driver = OwnerLabel.gpuOperatorDriver
    private static let on = OperatorLabel.upgradeEnabled
    private static let state = OperatorLabel.upgradeState

    private func publication(_ facts: NodeFacts, _ use: HandoverUse = .auto) throws -> Publication {
        let policy = Policy(handover: use)
        let plan = try Plan.made(for: facts, policy: policy)
        return Publication.of(facts, plan, Checks(facts: facts, plan: plan).report(), policy)
    }

    static let cases: [(labels: [String: String], isSkipped: Bool)] = [
        ([:], false), ([driver: "true"], false), ([on: "true"], false), ([driver: "true", on: "true"], true),
        ([driver: "true", on: "false"], false), ([driver: "true", state: "upgrade-done"], false),
        ([driver: "true", state: "upgrade-required"], true), ([driver: "true", state: ""], false),
        ([driver: "pre-installed", on: "true"], false),
        ([driver: "pre-installed", on: "true", state: "upgrade-done"], false),
        ([driver: "pre-installed", state: "pod-restart-required"], true),
        ([driver: "pre-installed_paused-for-driver-upgrade", on: "true"], true),
        ([driver: "false", on: "true"], false), ([driver: "false", state: "cordon-required"], true),
        ([state: "upgrade-required"], false),
        // The operator replaces its own driver, so the node is left alone.
        ([driver: "paused-for-driver-upgrade", on: "true"], false),
    ]

    @Test(arguments: cases)
    func isSetWhereAnUpgradeWouldWaitForEver(_ labels: [String: String], _ isSkipped: Bool) throws {
        // A driver of somebody else, which the agent adopts.
        let facts = NodeFacts.h100Ready.with {
            $0.driver.record = .absent
            $0.claims.nodeLabels = .present(labels)
        }
        let found = try publication(facts)
        #expect(found.labels[OperatorLabel.upgradeSkip] == (isSkipped ? "true" : nil))
        #expect(!found.undetermined.contains(OperatorLabel.upgradeSkip))
        #expect(try publication(facts, .never).labels[OperatorLabel.upgradeSkip] == nil)
    }

    @Test func isNotSetForADriverContainer() throws {
        let facts = NodeFacts.h100.with {
            $0.claims.nodeLabels = .present([Self.driver: "true", Self.on: "true"])
        }
        #expect(try publication(facts).labels[OperatorLabel.upgradeSkip] == nil)
        let mounted = NodeFacts.h100Ready.with {
            $0.driver.record = .absent
            $0.claims.nodeLabels = .present([Self.driver: "true", Self.on: "true"])
            $0.claims.driverContainer = .present(
                DriverContainer(isMounted: true, version: "595.71.05", hasPIDFile: true, validations: [])
            )
        }
        #expect(try publication(mounted).labels[OperatorLabel.upgradeSkip] == nil)
    }

    @Test func staysAsItIsWhileTheNodeIsNotKnown() throws {
        let facts = NodeFacts.h100Ready.with { $0.claims.nodeLabels = .unreadable(.denied) }
        #expect(try publication(facts).undetermined.contains(OperatorLabel.upgradeSkip))
        let remembered = facts.with { $0.claims.lastNodeLabels = [Self.driver: "true", Self.on: "true"] }
        #expect(try publication(remembered).labels[OperatorLabel.upgradeSkip] == "true")
    }
}
