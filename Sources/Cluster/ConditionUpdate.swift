package import Kubernetes
package import NodeModel
import Reporting
package import Support

/// The most bytes of the reason of a condition that another client wrote; the agent's own reasons are shorter.
private let reasonLimit = 128

/// The change that makes a Node show the agent's conditions.
///
/// It depends only on the wanted conditions, the content of the Node and the time.
package struct ConditionUpdate: Sendable, Equatable {
    /// How soon the conditions must be written.
    package enum Urgency: Sendable, CaseIterable {
        /// With the next heartbeat, because the Node shows what it should.
        case heartbeat
        /// Soon, because only a message differs.
        case text
        /// Now, because a status or a reason differs, or a condition is missing or must go.
        case state
    }

    package var urgency: Urgency
    /// All conditions of the agent as an apply sends them; the server removes the agent's other conditions.
    package var conditions: [NodeCondition]
    /// The conditions whose status or reason differs, with the field managers that own them.
    package var differing: [NodeUpdate.Field: [String]] = [:]

    /// - Parameters:
    ///   - wanted: The conditions that the Node should have.
    ///   - node: The Node.
    ///   - now: The time of the write, for conditions whose status changes.
    ///   - paused: The conditions that stay as they are.
    package init(
        _ wanted: [Condition],
        on node: Node,
        at now: Timestamp,
        leaving paused: Set<NodeUpdate.Field> = []
    ) {
        let shown = Dictionary(node.conditions.map { ($0.type, $0) }) { first, _ in first }
        let paused = Set(wanted.map(\.type).filter { paused.contains(.condition($0)) })
        (urgency, conditions) = (.heartbeat, [])
        for condition in wanted {
            let live = shown[condition.type]
            let isRight = live?.status == condition.status.rawValue && live?.reason == condition.reason
            if paused.contains(condition.type), !isRight {
                // Without a paused condition in the request, the server would remove what the agent owns of it.
                if let live { conditions.append(live) }
                continue
            }
            conditions.append(NodeCondition(condition, replacing: live, at: now))
            if !isRight {
                urgency = .state
                let managers = node.metadata.managers(ofCondition: condition.type)
                differing[.condition(condition.type)] = managers.filter { $0 != NodeUpdate.fieldManager }
            } else if live?.message != condition.message, urgency == .heartbeat {
                urgency = .text
            }
        }
        let owned = node.metadata.conditionTypes(ownedBy: NodeUpdate.fieldManager, operation: .apply)
        if owned.subtracting(paused) != Set(conditions.map(\.type)).subtracting(paused) { urgency = .state }
    }

    /// What is wanted for each condition, as text, without the message.
    package static func wishes(_ wanted: [Condition]) -> [NodeUpdate.Field: String] {
        Dictionary(wanted.map { (.condition($0.type), "\($0.status.rawValue) \($0.reason)") }) { first, _ in first }
    }

    /// The body of the apply request for the subresource `status`.
    ///
    /// With the UID, the request fails when the Node was deleted and created again meanwhile.
    package func applyBody(on metadata: ObjectMetadata) -> JSONValue {
        var body: JSONValue = [
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": ["name": .string(metadata.name), "uid": .string(metadata.uid)],
        ]
        if !conditions.isEmpty { body["status"] = ["conditions": .array(conditions.map(\.json))] }
        return body
    }
}

extension NodeCondition {
    /// The condition with its times; the time of the transition changes only when the status changes.
    fileprivate init(_ condition: Condition, replacing live: NodeCondition?, at now: Timestamp) {
        let time = now.wholeSeconds
        let isSame = live?.status == condition.status.rawValue
        self.init(
            type: condition.type,
            status: condition.status.rawValue,
            reason: condition.reason,
            message: condition.message,
            lastHeartbeatTime: time,
            lastTransitionTime: isSame ? live?.lastTransitionTime ?? time : time
        )
    }
}

extension Node {
    /// The conditions of these types, in their order, as far as their status is one of those that Kubernetes knows.
    ///
    /// Another client can have written any text. So each text is one bounded line without control characters.
    func conditions(of types: [String]) -> [Condition] {
        types.compactMap { type in
            conditions.first { $0.type == type }.flatMap { live in
                Condition.Status(rawValue: live.status).map { status in
                    Condition(
                        type: type,
                        status: status,
                        reason: live.reason.visible.shortened(to: reasonLimit),
                        message: live.message.visible.shortened(to: NodeConditions.messageLimit)
                    )
                }
            }
        }
    }
}
