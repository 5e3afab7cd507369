/// The validation rules for objects, with the messages of the real server.
///
/// Source: apimachinery, `pkg/api/validation/objectmeta.go`, and the server's `pkg/apis/core/validation`.
public enum ObjectRules {
    /// The maximum size of the keys and values of all annotations, in bytes.
    static let annotationBytes = 256 * 1024

    /// Validates a Node.
    ///
    /// - Parameters:
    ///   - node: The Node to store.
    ///   - live: The current Node; nil when the request creates it.
    /// - Returns: One cause for each problem; empty when the Node is valid.
    public static func problems(node: JSON, replacing live: JSON?) -> [APIFailure.Cause] {
        let metadata = metadataProblems(node, replacing: live)
        let taints = taintProblems(node[path: ["spec", "taints"]]?.array ?? [])
        guard let live else { return metadata + taints }
        // The server validates an updated Node twice, and its labels twice each time.
        let labels = metadata.filter { $0.field == "metadata.labels" }
        let once = metadata + taints
        return once + once + labels + labels + specProblems(node, replacing: live)
    }

    /// Validates an Event; empty when it is valid.
    public static func problems(event: JSON, replacing live: JSON?) -> [APIFailure.Cause] {
        var problems = metadataProblems(event, replacing: live)
        let namespace = event[path: ["metadata", "namespace"]]?.string ?? ""
        let about = event[path: ["involvedObject", "namespace"]]?.string ?? ""
        if about.isEmpty ? namespace != "default" : about != namespace {
            problems.append(.invalid("involvedObject.namespace", about, "does not match event.namespace"))
        }
        return problems
    }

    /// Validates a Lease; empty when it is valid.
    ///
    /// Source: the server's `pkg/apis/coordination/validation`.
    public static func problems(lease: JSON, replacing live: JSON?) -> [APIFailure.Cause] {
        var problems = metadataProblems(lease, replacing: live)
        for (member, least, why) in [
            ("leaseDurationSeconds", 1, "must be greater than 0"),
            ("leaseTransitions", 0, "must be greater than or equal to 0"),
        ] {
            guard let number = lease[path: ["spec", member]]?.int, number < least else { continue }
            let message = "Invalid value: \(number): \(why)"
            problems.append(.init(reason: "FieldValueInvalid", message: message, field: "spec.\(member)"))
        }
        return problems
    }

    /// Validates the metadata of an object of another kind; empty when it is valid.
    public static func problems(other object: JSON, replacing live: JSON?) -> [APIFailure.Cause] {
        metadataProblems(object, replacing: live)
    }

    private static func metadataProblems(_ object: JSON, replacing live: JSON?) -> [APIFailure.Cause] {
        var problems: [APIFailure.Cause] = []
        let name = object[path: ["metadata", "name"]]?.string ?? ""
        if name.isEmpty {
            problems.append(.required("metadata.name", "name or generateName is required"))
        } else if live == nil {
            problems += LabelRules.problems(subdomain: name).map { .invalid("metadata.name", name, $0) }
        }
        for field in ["uid", "creationTimestamp"] where live != nil {
            let old = live?[path: ["metadata", field]]
            let new = object[path: ["metadata", field]]
            if new != old {
                problems.append(.invalid("metadata.\(field)", new?.string ?? "", "field is immutable"))
            }
        }
        for (key, value) in sorted(object[path: ["metadata", "labels"]]) {
            problems += LabelRules.problems(key: key, as: "a valid label key").map {
                .invalid("metadata.labels", key, $0)
            }
            problems += LabelRules.problems(value: value).map { .invalid("metadata.labels", value, $0) }
        }
        return problems + annotationProblems(sorted(object[path: ["metadata", "annotations"]]))
    }

    private static func annotationProblems(_ annotations: [(key: String, value: String)]) -> [APIFailure.Cause] {
        var problems = annotations.flatMap { key, _ in
            // The server converts the key to lower case before it validates it.
            LabelRules.problems(key: key.lowercased()).map {
                APIFailure.Cause.invalid("metadata.annotations", key, $0)
            }
        }
        let bytes = annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        if bytes > annotationBytes {
            let message = "Too long: may not be more than \(annotationBytes) bytes"
            problems.append(.init(reason: "FieldValueTooLong", message: message, field: "metadata.annotations"))
        }
        return problems
    }

    /// Validates the taints of a Node.
    ///
    /// The real server reports their field as a part of `metadata`, although it is in `spec`.
    private static func taintProblems(_ taints: [JSON]) -> [APIFailure.Cause] {
        var problems: [APIFailure.Cause] = []
        var seen: Set<[String]> = []
        for (index, taint) in taints.enumerated() {
            let field = "metadata.taints[\(index)]"
            let key = taint["key"]?.string ?? ""
            let value = taint["value"]?.string ?? ""
            let effect = taint["effect"]?.string ?? ""
            problems += LabelRules.problems(key: key).map { .invalid("\(field).key", key, $0) }
            let valueProblems = LabelRules.problems(value: value)
            if !valueProblems.isEmpty {
                problems.append(.invalid("\(field).value", value, valueProblems.joined(separator: ";")))
            }
            problems += effectProblems(effect, "\(field).effect")
            if !seen.insert([key, effect]).inserted {
                let shown =
                    "{\"Key\":\"\(key)\",\"Value\":\"\(value)\",\"Effect\":\"\(effect)\",\"TimeAdded\":null}"
                let message = "Duplicate value: \(shown): taints must be unique by key and effect pair"
                problems.append(.init(reason: "FieldValueDuplicate", message: message, field: field))
            }
        }
        return problems
    }

    private static func effectProblems(_ effect: String, _ field: String) -> [APIFailure.Cause] {
        let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"]
        if effect.isEmpty { return [.required(field, "")] }
        if known.contains(effect) { return [] }
        let list = known.map { "\"\($0)\"" }.joined(separator: ", ")
        let message = "Unsupported value: \"\(effect)\": supported values: \(list)"
        return [.init(reason: "FieldValueNotSupported", message: message, field: field)]
    }

    private static func specProblems(_ node: JSON, replacing live: JSON) -> [APIFailure.Cause] {
        var problems: [APIFailure.Cause] = []
        let old = live["spec"] ?? [:]
        let new = node["spec"] ?? [:]
        if let id = old["providerID"], new["providerID"] != id {
            let message = "Forbidden: node updates may not change providerID except from \"\" to valid"
            problems.append(.init(reason: "FieldValueForbidden", message: message, field: "spec.providerID"))
        }
        for field in ["podCIDR", "podCIDRs"] where old[field] != nil && new[field] != old[field] {
            let message = "Forbidden: node updates may not change podCIDR except from \"\" to valid"
            problems.append(.init(reason: "FieldValueForbidden", message: message, field: "spec.podCIDRs"))
            break
        }
        if new["externalID"] != old["externalID"] {
            let message = "Forbidden: may not be updated"
            problems.append(.init(reason: "FieldValueForbidden", message: message, field: "spec.externalID"))
        }
        return problems
    }

    private static func sorted(_ strings: JSON?) -> [(key: String, value: String)] {
        (strings?.strings ?? [:]).sorted { $0.key < $1.key }
    }
}

extension APIFailure.Cause {
    static func invalid(_ field: String, _ value: String, _ why: String) -> Self {
        Self(reason: "FieldValueInvalid", message: "Invalid value: \"\(value)\": \(why)", field: field)
    }

    static func required(_ field: String, _ why: String) -> Self {
        Self(
            reason: "FieldValueRequired",
            message: why.isEmpty ? "Required value" : "Required value: \(why)",
            field: field
        )
    }
}
