package import FoundationEssentials
package import Support

/// Something that happened to a Node, for `kubectl describe node`.
package struct NodeEvent: Sendable, Equatable {
    /// How an event is shown.
    package enum Severity: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    package var node: String
    /// The Node's uid: `kubectl describe` finds events by it.
    package var nodeUID: String
    /// One word in camel case, for machines.
    package var reason: String
    /// One sentence, for people.
    package var message: String
    package var severity: Severity
    /// Who reports it.
    package var component: String
    package var time: Date

    package init(
        node: String,
        nodeUID: String,
        reason: String,
        message: String,
        severity: Severity,
        component: String,
        time: Date
    ) {
        self.node = node
        self.nodeUID = nodeUID
        self.reason = reason
        self.message = message
        self.severity = severity
        self.component = component
        self.time = time
    }

    /// The event's own name: the same event always has the same one, so that asking twice makes one.
    package var name: String {
        let nanoseconds = UInt64(max(0, time.timeIntervalSince1970) * 1_000_000_000)
        return "\(node).\(String(nanoseconds, radix: 16))"
    }

    /// The Event object of the core API.
    package func json(namespace: String) -> JSONValue {
        let time = JSONValue.string(time.formatted(.iso8601))
        return [
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": ["name": .string(name), "namespace": .string(namespace)],
            "involvedObject": [
                "apiVersion": "v1", "kind": "Node", "name": .string(node), "uid": .string(nodeUID),
            ],
            "reason": .string(reason),
            "message": .string(message),
            "type": .string(severity.rawValue),
            "source": ["component": .string(component), "host": .string(node)],
            "reportingComponent": .string(component),
            "reportingInstance": .string(node),
            "firstTimestamp": time,
            "lastTimestamp": time,
            "count": 1,
        ]
    }
}
