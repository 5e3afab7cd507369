import FoundationEssentials
import Testing

@testable import SimulatedCluster

@Suite struct TableTests {
    @Test(arguments: [
        (0, "0s"), (119, "119s"), (120, "2m"), (150, "2m30s"), (600, "10m"), (10_799, "179m"), (10_800, "3h"),
        (12_660, "3h31m"), (28_800, "8h"), (172_800, "2d"), (176_400, "2d1h"), (691_200, "8d"), (63_072_000, "2y"),
        (63_158_400, "2y1d"), (252_288_000, "8y"), (-5, "0s"),
    ])
    func agesAreThoseOfKubectl(_ seconds: Int, _ text: String) {
        #expect(Table.age(seconds: seconds) == text)
    }

    @Test func aNodeHasItsCells() {
        let node: JSON = [
            "metadata": [
                "name": "n", "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": ["node-role.kubernetes.io/worker": "", "kubernetes.io/role": "gpu"],
            ],
            "spec": ["unschedulable": true],
            "status": [
                "conditions": [["type": "Ready", "status": "True"]],
                "addresses": [["type": "InternalIP", "address": "10.0.0.1"]],
                "nodeInfo": ["kubeletVersion": "v1.36.2", "osImage": "Debian", "kernelVersion": "6.1"],
            ],
        ]
        let table = Table(now: Date(timeIntervalSince1970: 1_767_225_600 + 90)).json([node], of: .node, version: "7")
        let cells = table["rows"]?.array?.first?["cells"]
        #expect(
            cells == [
                "n", "Ready,SchedulingDisabled", "gpu,worker", "90s", "v1.36.2", "10.0.0.1", "<none>", "Debian", "6.1",
                "<unknown>",
            ]
        )
        #expect(table[path: ["metadata", "resourceVersion"]] == "7")
    }

    @Test func anotherKindHasItsNameAndTime() {
        let event: JSON = ["metadata": ["name": "e", "creationTimestamp": "2026-01-01T00:00:00Z"]]
        let table = Table(now: Date()).json([event], of: .event, version: nil)
        #expect(table["columnDefinitions"]?.array?.compactMap { $0["name"]?.string } == ["Name", "Created At"])
        #expect(table["rows"]?.array?.first?["cells"] == ["e", "2026-01-01T00:00:00Z"])
    }
}
