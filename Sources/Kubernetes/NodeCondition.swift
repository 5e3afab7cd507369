package import Support

/// One condition in the status of a Node.
package struct NodeCondition: Sendable, Hashable {
    package var type: String
    /// `True`, `False` or `Unknown`; a string, because the API server accepts any text.
    package var status: String
    package var reason: String
    package var message: String
    /// The time of the last write, as RFC 3339 text with whole seconds; nil when the writer did not set it.
    package var lastHeartbeatTime: String?
    /// The time when the status last changed, as RFC 3339 text with whole seconds; nil when the writer did not set it.
    package var lastTransitionTime: String?

    package init(
        type: String,
        status: String,
        reason: String = "",
        message: String = "",
        lastHeartbeatTime: String? = nil,
        lastTransitionTime: String? = nil
    ) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.lastHeartbeatTime = lastHeartbeatTime
        self.lastTransitionTime = lastTransitionTime
    }

    /// The condition as an element of a Node's `status.conditions`, for an apply.
    package var json: JSONValue {
        var json: JSONValue = [
            "type": .string(type), "status": .string(status), "reason": .string(reason), "message": .string(message),
        ]
        json["lastHeartbeatTime"] = lastHeartbeatTime.map(JSONValue.string)
        json["lastTransitionTime"] = lastTransitionTime.map(JSONValue.string)
        return json
    }
}

extension NodeCondition: Decodable {
    private enum Key: String, CodingKey { case type, status, reason, message, lastHeartbeatTime, lastTransitionTime }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            type: try container.decode(String.self, forKey: .type),
            status: try container.decodeIfPresent(String.self, forKey: .status) ?? "",
            reason: try container.decodeIfPresent(String.self, forKey: .reason) ?? "",
            message: try container.decodeIfPresent(String.self, forKey: .message) ?? "",
            lastHeartbeatTime: try container.decodeIfPresent(String.self, forKey: .lastHeartbeatTime),
            lastTransitionTime: try container.decodeIfPresent(String.self, forKey: .lastTransitionTime)
        )
    }
}
