/// A condition on the labels of a Node, with the meaning that Kubernetes gives it.
package struct LabelSelector: Sendable, Equatable {
    /// How a requirement compares a label with its values.
    package enum Operator: String, Sendable, CaseIterable {
        /// The Node has the label, with one of the values.
        case oneOf = "In"
        /// The Node lacks the label, or has it with another value.
        case notOneOf = "NotIn"
        case exists = "Exists"
        case doesNotExist = "DoesNotExist"
    }

    /// What one label must be.
    package struct Requirement: Sendable, Equatable {
        package var key: String
        package var comparison: Operator
        /// The values in the order of the file; empty for `Exists` and `DoesNotExist`.
        package var values: [String]

        package init(_ key: String, _ comparison: Operator, _ values: [String] = []) {
            self.key = key
            self.comparison = comparison
            self.values = values
        }

        /// Whether a label with this value meets the requirement; nil stands for a Node without the label.
        package func isMet(by value: String?) -> Bool {
            switch comparison {
            case .oneOf: value.map(values.contains) ?? false
            case .notOneOf: value.map { !values.contains($0) } ?? true
            case .exists: value != nil
            case .doesNotExist: value == nil
            }
        }

        /// Why a label with this value does not meet the requirement, as a clause; nil when it does.
        package func objection(to value: String?) -> String? {
            guard !isMet(by: value) else { return nil }
            let list = values.map { "'\($0)'" }.joined(separator: " or ")
            let found = value.map { "is '\($0)'" } ?? "is missing"
            return switch comparison {
            case .oneOf: "the label \(key) \(found), and must be \(list)"
            case .notOneOf: "the label \(key) \(found), and must not be \(list)"
            case .exists: "the label \(key) is missing"
            case .doesNotExist: "the Node has the label \(key)"
            }
        }
    }

    package var requirements: [Requirement]

    package init(_ requirements: [Requirement]) {
        self.requirements = requirements
    }

    /// Whether a Node with these labels meets every requirement.
    package func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { $0.isMet(by: labels[$0.key]) }
    }

    /// Why a Node with these labels does not match: each requirement that it does not meet; empty when it matches.
    package func objections(to labels: [String: String]) -> [String] {
        requirements.compactMap { $0.objection(to: labels[$0.key]) }
    }

    /// The labels of a Node that both selectors match; nil when there is no such Node.
    ///
    /// Requirements on different labels do not limit each other, so each label is tried alone. A value that no
    /// requirement names stands for all others.
    package func commonLabels(with other: LabelSelector) -> [String: String]? {
        var labels: [String: String] = [:]
        for (key, requirements) in Dictionary(grouping: requirements + other.requirements, by: \.key) {
            let named = requirements.flatMap(\.values)
            let unnamed = (0...named.count).lazy.map { $0 == 0 ? "other" : "other-\($0)" }.first { !named.contains($0) }
            let candidates: [String?] = [nil] + named + [unnamed].compactMap(\.self)
            guard let value = candidates.first(where: { value in requirements.allSatisfy { $0.isMet(by: value) } })
            else { return nil }
            if let value { labels[key] = value }
        }
        return labels
    }
}
