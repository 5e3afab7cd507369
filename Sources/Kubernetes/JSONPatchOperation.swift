package import Support

/// One operation of a JSON patch (RFC 6902); only the kinds that the agent uses.
package enum JSONPatchOperation: Sendable, Equatable {
    /// Makes the whole patch fail unless the path has this value.
    case test(JSONPointer, JSONValue)
    case add(JSONPointer, JSONValue)
    case replace(JSONPointer, JSONValue)
    case remove(JSONPointer)

    /// The operation as an element of a JSON patch.
    package var json: JSONValue {
        switch self {
        case .test(let path, let value): ["op": "test", "path": .string(path.text), "value": value]
        case .add(let path, let value): ["op": "add", "path": .string(path.text), "value": value]
        case .replace(let path, let value): ["op": "replace", "path": .string(path.text), "value": value]
        case .remove(let path): ["op": "remove", "path": .string(path.text)]
        }
    }
}

/// A JSON pointer: a path in a JSON document (RFC 6901).
package struct JSONPointer: Sendable, Hashable, ExpressibleByArrayLiteral {
    /// The member names and array indexes from the root.
    package var steps: [String]

    package init(_ steps: [String]) { self.steps = steps }
    package init(arrayLiteral elements: String...) { self.init(elements) }

    /// The pointer as a string, with `~` and `/` in a name escaped as `~0` and `~1`.
    package var text: String {
        steps.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
    }
}
