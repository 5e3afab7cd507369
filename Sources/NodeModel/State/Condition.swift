/// A node condition of the agent: one statement about the GPUs in the status of the Node.
package struct Condition: Codable, Sendable, Equatable {
    /// Whether the statement is true.
    package enum Status: String, Codable, Sendable, CaseIterable {
        case yes = "True"
        case no = "False"
        /// The agent cannot tell.
        case unknown = "Unknown"
    }

    /// The name of the statement, such as `GPUReady`.
    package var type: String
    package var status: Status
    /// Why it has this status, as one word in upper camel case for programs, such as `DriverMissing`.
    package var reason: String
    /// The reason for people: one line.
    package var message: String

    package init(type: String, status: Status, reason: String, message: String) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
    }
}
