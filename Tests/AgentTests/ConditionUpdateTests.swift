import Cluster
import Kubernetes
import NodeModel
import Support
import Testing

/// Which conditions an apply sends, and how soon, without a server.
@Suite struct ConditionUpdateTests {
    private static let now = Timestamp(1_800_000_000)
    private static let nowText = "2027-01-15T08:00:00Z"
    private static let before = "2027-01-15T07:00:00Z"

    private static func shown(_ condition: Condition, by manager: String = "gpu-agent") -> NodeCondition {
        NodeCondition(
            type: condition.type,
            status: condition.status.rawValue,
            reason: condition.reason,
            message: condition.message,
            lastHeartbeatTime: before,
            lastTransitionTime: before
        )
    }

    /// A Node on which the agent owns some conditions, and another manager owns the status of others.
    private static func node(
        _ conditions: [NodeCondition],
        owned: [String],
        changed: [String: String] = [:]
    ) -> Node {
        func entry(_ manager: String, _ operation: ManagedFields.Operation, _ types: [String]) -> ManagedFields {
            let fields = Dictionary(
                uniqueKeysWithValues: types.map { (#"k:{"type":"\#($0)"}"#, JSONValue(["f:status": ""])) }
            )
            return ManagedFields(
                manager: manager,
                operation: operation,
                fields: ["f:status": ["f:conditions": .object(fields)]],
                subresource: "status"
            )
        }
        let others = changed.map { entry($0.value, .update, [$0.key]) }
        let metadata = ObjectMetadata(
            name: "n",
            uid: "u",
            managedFields: [entry("gpu-agent", .apply, owned)] + others
        )
        return Node(metadata: metadata, conditions: conditions)
    }

    /// A case: what the Node shows, what is wanted, and the urgency.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var shown: [Condition]
        var owned: [String]?
        var wanted: [Condition]
        var urgency: ConditionUpdate.Urgency

        init(
            _ name: String,
            shown: [Condition],
            owned: [String]? = nil,
            wanted: [Condition],
            _ urgency: ConditionUpdate.Urgency
        ) {
            (testDescription, self.shown, self.owned) = (name, shown, owned)
            (self.wanted, self.urgency) = (wanted, urgency)
        }
    }

    private static let otherReason = Condition(type: "GPUReady", status: .no, reason: "GPULost", message: "a test")

    static let cases: [Case] = [
        Case("the Node is right", shown: [gpuReady(.yes)], wanted: [gpuReady(.yes)], .heartbeat),
        Case("nothing is there and nothing is wanted", shown: [], wanted: [], .heartbeat),
        Case("a new Node", shown: [], wanted: [gpuReady(.unknown)], .state),
        Case("another status", shown: [gpuReady(.yes)], wanted: [gpuReady(.no)], .state),
        Case("another reason", shown: [gpuReady(.no)], wanted: [otherReason], .state),
        Case("another message", shown: [gpuReady(.no)], wanted: [gpuReady(.no, "new")], .text),
        Case("one condition more", shown: [gpuReady(.yes)], wanted: [gpuReady(.yes), gpuHealthy], .state),
        Case("one condition less", shown: [gpuReady(.yes), gpuHealthy], wanted: [gpuReady(.yes)], .state),
        Case("no condition any more", shown: [gpuReady(.yes)], wanted: [], .state),
        Case("the agent does not own it", shown: [gpuReady(.yes)], owned: [], wanted: [gpuReady(.yes)], .state),
        Case(
            "another message and another status",
            shown: [gpuReady(.yes), gpuHealthy],
            wanted: [gpuReady(.yes, "new"), Condition(type: "GPUHealthy", status: .no, reason: "x", message: "")],
            .state
        ),
    ]

    @Test(arguments: cases)
    func aChangeIsAsUrgentAsItsKind(_ item: Case) {
        let kubelet = NodeCondition(type: "Ready", status: "True")
        let node = Self.node(
            [kubelet] + item.shown.map { Self.shown($0) },
            owned: item.owned ?? item.shown.map(\.type)
        )
        let update = ConditionUpdate(item.wanted, on: node, at: Self.now)
        #expect(update.urgency == item.urgency)
        #expect(update.conditions.map(\.type) == item.wanted.map(\.type))
        #expect(update.conditions.allSatisfy { $0.lastHeartbeatTime == Self.nowText })
    }

    @Test func theTransitionTimeChangesOnlyWithTheStatus() {
        let node = Self.node([Self.shown(gpuReady(.no))], owned: ["GPUReady"])
        let times = [gpuReady(.no), Self.otherReason, gpuReady(.no, "new"), gpuReady(.yes), gpuReady(.unknown)]
            .map { ConditionUpdate([$0], on: node, at: Self.now).conditions[0].lastTransitionTime }
        #expect(times == [Self.before, Self.before, Self.before, Self.nowText, Self.nowText])
    }

    @Test func aContestedConditionStaysAndTheOtherIsWritten() {
        let theirs = NodeCondition(type: "GPUReady", status: "False", reason: "Theirs", lastHeartbeatTime: Self.before)
        let node = Self.node(
            [theirs, Self.shown(gpuHealthy)],
            owned: ["GPUReady", "GPUHealthy"],
            changed: ["GPUReady": "npd"]
        )
        let wanted = [gpuReady(.yes), gpuHealthy]
        let update = ConditionUpdate(wanted, on: node, at: Self.now)
        #expect(update.urgency == .state)
        #expect(update.differing == [.condition("GPUReady"): ["npd"]])
        let paused = ConditionUpdate(wanted, on: node, at: Self.now, leaving: [.condition("GPUReady")])
        #expect(paused.urgency == .heartbeat && paused.differing.isEmpty)
        #expect(paused.conditions.first == theirs)
        #expect(paused.conditions.last?.lastHeartbeatTime == Self.nowText)
    }

    @Test func theRequestHasTheUIDAndNothingButConditions() {
        let node = Self.node([], owned: [])
        let update = ConditionUpdate([gpuReady(.no)], on: node, at: Self.now)
        #expect(
            update.applyBody(on: node.metadata) == [
                "apiVersion": "v1", "kind": "Node", "metadata": ["name": "n", "uid": "u"],
                "status": [
                    "conditions": [
                        [
                            "type": "GPUReady", "status": "False", "reason": "DriverMissing", "message": "a test",
                            "lastHeartbeatTime": .string(Self.nowText), "lastTransitionTime": .string(Self.nowText),
                        ]
                    ]
                ],
            ]
        )
        let none = ConditionUpdate([], on: node, at: Self.now).applyBody(on: node.metadata)
        #expect(none["status"] == nil)
    }
}
