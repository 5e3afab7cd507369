package import FoundationEssentials
package import Support

/// An event of a Node, which `kubectl describe node` shows.
package struct NodeEvent: Sendable, Equatable {
    /// The type of an event.
    package enum Severity: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    package var node: String
    /// The Node's UID, by which `kubectl describe` finds events.
    package var nodeUID: String
    /// The reason: one word in upper camel case, for programs.
    package var reason: String
    /// The message: one sentence for people.
    package var message: String
    package var severity: Severity
    /// The name of the program that reports the event.
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

    /// The name of the Event object, from the node and the time.
    ///
    /// Both attempts of a repeated request have the same name, so they create only one object.
    package var name: String {
        let nanoseconds = UInt64(min(max(0, time.timeIntervalSince1970), 1e10) * 1_000_000_000)
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
