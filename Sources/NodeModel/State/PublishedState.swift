/// What the running agent last put on its Node; it leaves this on the host for `status` to show.
package struct PublishedState: Codable, Sendable, Equatable {
    package var node: String
    /// When the API server last agreed, in seconds since 1970; nil when it never did.
    package var at: Double?
    package var labels: [String: String]
    /// Those labels of the Node that say who owns its driver, as they were last seen; nil when they never were.
    package var ownerLabels: [String: String]?
    /// Why those labels cannot be read now; nil when they can.
    package var ownerLabelsFailure: String?
    /// Whether the agent's taint is on the Node; nil when that was not told yet.
    package var tainted: Bool?
    /// What went wrong at the last attempt; nil when it went well.
    package var failure: String?

    package init(
        node: String,
        at: Double? = nil,
        labels: [String: String] = [:],
        ownerLabels: [String: String]? = nil,
        ownerLabelsFailure: String? = nil,
        tainted: Bool? = nil,
        failure: String? = nil
    ) {
        self.node = node
        self.at = at
        self.labels = labels
        self.ownerLabels = ownerLabels
        self.ownerLabelsFailure = ownerLabelsFailure
        self.tainted = tainted
        self.failure = failure
    }
}
