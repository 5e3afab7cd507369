/// The labels of the Node by which the pools of the configuration select nodes, as the daemon read them.
package struct SelectedLabels: Codable, Sendable, Equatable {
    /// The keys that the daemon looked for, sorted.
    package var keys: [String]
    /// The labels with these keys that the Node has.
    package var labels: [String: String]

    package init(of labels: [String: String], keys: Set<String>) {
        self.keys = keys.sorted()
        self.labels = labels.filter { keys.contains($0.key) }
    }

    /// The labels with these keys; skipped when the daemon did not look for one of them.
    ///
    /// A command can have a newer configuration than the daemon. A label that the daemon did not look for is not missing.
    package func reading(_ wanted: Set<String>) -> Reading<[String: String]> {
        guard let key = wanted.subtracting(keys).min() else { return .present(labels) }
        return .skipped("the daemon has another configuration, and did not read the label \(key)")
    }
}
