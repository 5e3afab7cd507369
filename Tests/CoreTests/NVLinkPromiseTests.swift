import NodeModel
import TestSupport
import Testing

/// Which GPUs NVLink connects, as far as NVML tells.
@Suite struct NVLinkPromiseTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var isPromised: Bool
        var first: GPUFacts
        var second: GPUFacts

        init(
            _ name: String,
            _ isPromised: Bool,
            _ change: (inout GPUFacts) -> Void,
            _ changeSecond: ((inout GPUFacts) -> Void)? = nil
        ) {
            (testDescription, self.isPromised) = (name, isPromised)
            (first, second) = (GPUFacts.h100.at(index: 0), GPUFacts.h100.at(index: 1))
            change(&first)
            if let changeSecond { changeSecond(&second) } else { change(&second) }
        }
    }

    private static func fabric(
        _ state: String = "completed",
        _ status: String = "NVML_SUCCESS",
        cluster: String? = nil,
        clique: Int = 0,
        health: String? = nil
    ) -> (inout GPUFacts) -> Void {
        {
            let facts = FabricFacts(state: state, status: status, cluster: cluster, clique: clique, health: health)
            $0.fabric = .present(facts)
        }
    }

    private static func links(toGPU index: Int? = nil, toSwitch: Bool = false) -> (inout GPUFacts) -> Void {
        let address = index.flatMap { GPUFacts.h100.at(index: $0).pciAddress.value }
        return {
            let neighbors = address.map { [$0] }
            $0.nvlink = .present(
                NVLinkFacts(active: [0], inactive: [], neighbors: neighbors, reachesSwitch: toSwitch)
            )
        }
    }

    static let cases = [
        Case("no NVLink", false, { _ in }),
        Case("one fabric", true, fabric()),
        Case("one clique", true, fabric(cluster: "a", clique: 7, health: "healthy")),
        Case("two cliques", false, fabric(cluster: "a", clique: 7), fabric(cluster: "a", clique: 8)),
        Case("two clusters", false, fabric(cluster: "a"), fabric(cluster: "b")),
        Case("one is not registered yet", false, fabric(), fabric("in-progress")),
        Case("the registration failed", false, fabric(), fabric("completed", "NVML_ERROR_TIMEOUT")),
        Case("the fabric is not healthy", false, fabric(health: "unhealthy")),
        Case("a fabric with less capacity", true, fabric(health: "limited-capacity")),
        Case("a bridge", true, links(toGPU: 1), links(toGPU: 0)),
        Case("a bridge to another GPU", false, links(toGPU: 2), links(toGPU: 3)),
        Case("switches", true, links(toSwitch: true)),
        Case("a switch and a bridge", false, links(toSwitch: true), links(toGPU: 2)),
        Case("links whose ends are not known", false, { $0.nvlink = .present(NVLinkFacts(active: [0], inactive: [])) }),
        Case(
            "one GPU is in MIG mode",
            false,
            fabric(),
            {
                fabric()(&$0)
                $0.migMode = .present(MIGMode(current: true, pending: true))
            }
        ),
        Case(
            "the driver asks to stop peer access",
            false,
            fabric(),
            {
                fabric()(&$0)
                $0.traits[.recoveryAction] = .present(.text("drain-p2p"))
            }
        ),
    ]

    @Test(arguments: cases)
    func isTold(_ row: Case) {
        #expect(row.first.hasPeer(row.second) == row.isPromised)
        #expect(row.second.hasPeer(row.first) == row.isPromised)
    }
}
