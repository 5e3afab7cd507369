import NodeModel
import Testing

/// Who makes the MIG layout that a label of the Node names.
@Suite struct MIGRequestTests {
    static let rows: [(MIGRequest, MIGRequest.Decision)] = [
        (MIGRequest(layout: nil), .nothing),
        (MIGRequest(layout: ""), .nothing),
        (MIGRequest(layout: nil, stateOwners: ["x"], managerLabel: "true"), .nothing),
        (MIGRequest(layout: "half"), .make("half")),
        (MIGRequest(layout: "half", managerLabel: "false"), .make("half")),
        (
            MIGRequest(layout: "half", managerLabel: "true"),
            .leave("the label nvidia.com/gpu.deploy.mig-manager is true")
        ),
        (
            MIGRequest(layout: "half", managerLabel: "paused-for-mig-change"),
            .leave("the label nvidia.com/gpu.deploy.mig-manager is paused-for-mig-change")
        ),
        (
            MIGRequest(layout: "half", stateOwners: ["nvidia-mig-manager"]),
            .leave("nvidia-mig-manager owns the label nvidia.com/mig.config.state")
        ),
    ]

    @Test(arguments: rows) func decides(_ request: MIGRequest, _ decision: MIGRequest.Decision) {
        #expect(request.decision == decision)
    }
}
