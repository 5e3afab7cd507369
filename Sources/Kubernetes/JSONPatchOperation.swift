package import Support

/// One operation of a JSON patch (RFC 6902), as far as the agent needs them.
package enum JSONPatchOperation: Sendable, Equatable {
    /// The whole patch fails unless the value at the path is this one.
    case test(JSONPointer, JSONValue)
    case add(JSONPointer, JSONValue)
    case replace(JSONPointer, JSONValue)
    case remove(JSONPointer)

    /// The operation as it stands in a patch.
    package var json: JSONValue {
        switch self {
        case .test(let path, let value): ["op": "test", "path": .string(path.text), "value": value]
        case .add(let path, let value): ["op": "add", "path": .string(path.text), "value": value]
        case .replace(let path, let value): ["op": "replace", "path": .string(path.text), "value": value]
        case .remove(let path): ["op": "remove", "path": .string(path.text)]
        }
    }
}

/// A path into a JSON document (RFC 6901).
package struct JSONPointer: Sendable, Hashable, ExpressibleByArrayLiteral {
    /// Member names and list positions from the top.
    package var steps: [String]

    package init(_ steps: [String]) { self.steps = steps }
    package init(arrayLiteral elements: String...) { self.init(elements) }

    /// The pointer's text: `~` and `/` inside a name are escaped as `~0` and `~1`.
    package var text: String {
        steps.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
    }
}
