package import Support

/// What the daemon last wrote to its Node, and what it knows of it.
///
/// The daemon leaves this in a file on the host, so that `gpu-agent status` can show it without the API server.
package struct PublishedState: Codable, Sendable, Equatable {
    /// The name of the Node, which can differ from the host name.
    package var node: String
    /// When the API server last accepted a publication; nil when it never did.
    package var at: Timestamp?
    /// The agent's labels on the Node.
    package var labels: [String: String]
    /// The agent's conditions on the Node; nil when an earlier version of the agent published the state.
    package var conditions: [Condition]?
    /// Why the agent cannot write its conditions, while its labels and its taint are as they should be; nil when it
    /// can.
    package var conditionsFailure: String?
    /// Whether the API server refused the conditions, so that somebody must change a right or a policy.
    package var areConditionsRefused: Bool?
    /// The labels that name the owner of the driver, as the agent last read them; nil when it never read them.
    package var ownerLabels: [String: String]?
    /// Why the agent cannot read those labels now; nil when it can.
    package var ownerLabelsFailure: String?
    /// Since when the agent cannot read them; nil when it can.
    package var ownerLabelsFailedSince: Timestamp?
    /// The labels that select a pool, as the agent last read them; nil when it never read them, and without pools.
    package var selectedLabels: SelectedLabels?
    /// Whether the agent's taint is on the Node; nil while the agent does not know.
    package private(set) var tainted: Bool?
    /// Since when the agent knows that its taint is there; nil while it is not, and in the file of an earlier version.
    ///
    /// A taint has no time of its own in the API. One that came with the Node can be a little older.
    package private(set) var taintedSince: Timestamp?
    /// Whether the GPUs have worked since the last boot, which deletes this file; nil when they have not.
    package var gpusWorked: Bool?
    /// Why the last attempt to publish failed; nil when it succeeded.
    package var failure: String?
    /// Whether the API server refused that attempt, so that somebody must change a right, a policy or the token.
    package var isRefused: Bool?
    /// The fields that another client keeps changing back; nil or empty when there are none.
    package var contested: [ContestedField]?
    /// The labels that the agent leaves to other field managers; nil when there are none.
    package var foreignLabels: [ForeignLabel]?

    package init(
        node: String,
        at: Timestamp? = nil,
        labels: [String: String] = [:],
        conditions: [Condition]? = nil,
        conditionsFailure: String? = nil,
        areConditionsRefused: Bool? = nil,
        ownerLabels: [String: String]? = nil,
        ownerLabelsFailure: String? = nil,
        selectedLabels: SelectedLabels? = nil,
        tainted: Bool? = nil,
        taintedSince: Timestamp? = nil,
        gpusWorked: Bool? = nil,
        failure: String? = nil,
        isRefused: Bool? = nil,
        contested: [ContestedField]? = nil,
        foreignLabels: [ForeignLabel]? = nil
    ) {
        self.node = node
        self.at = at
        self.labels = labels
        self.conditions = conditions
        self.conditionsFailure = conditionsFailure
        self.areConditionsRefused = areConditionsRefused
        self.ownerLabels = ownerLabels
        self.ownerLabelsFailure = ownerLabelsFailure
        self.selectedLabels = selectedLabels
        self.tainted = tainted
        self.taintedSince = taintedSince
        self.gpusWorked = gpusWorked
        self.failure = failure
        self.isRefused = isRefused
        self.contested = contested
        self.foreignLabels = foreignLabels
    }

    /// Records whether the agent's taint is on the Node.
    ///
    /// A taint that stays keeps the time at which the agent first saw it.
    package mutating func setTainted(_ isOn: Bool, at now: Timestamp) {
        tainted = isOn
        taintedSince = isOn ? taintedSince ?? now : nil
    }
}

/// A field of the Node that another client keeps changing back.
package struct ContestedField: Codable, Sendable, Equatable {
    /// The name of the field for people, such as `the label gpu-agent.dev/verdict`.
    package var field: String
    /// The field managers that own the field after such a change; empty when the client removed the field.
    package var managers: [String]

    package init(field: String, managers: [String]) {
        self.field = field
        self.managers = managers
    }
}

/// A label of the Node that the agent would write, and that it leaves to its owner.
package struct ForeignLabel: Codable, Sendable, Equatable {
    package var key: String
    /// The value on the Node.
    package var value: String
    /// The value that the agent would write.
    package var wanted: String
    /// The field managers that own the label, sorted; empty when nobody is known to own it.
    package var managers: [String]

    package init(key: String, value: String, wanted: String, managers: [String]) {
        self.key = key
        self.value = value
        self.wanted = wanted
        self.managers = managers
    }
}
