/// A JSON patch (RFC 6902).
public struct JSONPatch: Sendable, Equatable {
    /// The kind of an operation.
    public enum Operation: Sendable, Equatable {
        case test(path: [String], JSON)
        case add(path: [String], JSON)
        case replace(path: [String], JSON)
        case remove(path: [String])
        case move(from: [String], path: [String])
        case copy(from: [String], path: [String])
    }

    /// The server cannot execute a patch.
    public enum Failure: Error, Sendable, Equatable {
        case malformed(String)
        case missing(path: [String])
        case testFailed(path: [String])
    }

    public var operations: [Operation]

    public init(_ operations: [Operation]) { self.operations = operations }

    /// Parses a patch document.
    public init(json: JSON) throws(Failure) {
        guard let list = json.array else { throw .malformed("a JSON patch is a list") }
        operations = []
        for entry in list { operations.append(try Self.operation(entry)) }
    }

    private static func operation(_ entry: JSON) throws(Failure) -> Operation {
        guard let name = entry["op"]?.string else { throw .malformed("an operation without \"op\"") }
        let path = try pointer(entry["path"])
        switch name {
        case "remove": return .remove(path: path)
        case "move": return .move(from: try pointer(entry["from"]), path: path)
        case "copy": return .copy(from: try pointer(entry["from"]), path: path)
        case "test": return .test(path: path, entry["value"] ?? .null)
        case "add", "replace":
            guard let value = entry["value"] else { throw .malformed("\"\(name)\" without a value") }
            return name == "add" ? .add(path: path, value) : .replace(path: path, value)
        default: throw .malformed("unknown operation \"\(name)\"")
        }
    }

    /// Parses a JSON pointer (RFC 6901).
    public static func pointer(_ value: JSON?) throws(Failure) -> [String] {
        guard let text = value?.string else { throw .malformed("a path is missing") }
        if text.isEmpty { return [] }
        guard text.hasPrefix("/") else { throw .malformed("the path \"\(text)\" does not begin with a slash") }
        return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map {
            String($0).replacing("~1", with: "/").replacing("~0", with: "~")
        }
    }

    /// Executes all operations on a document, or none of them when one fails.
    public func apply(to document: JSON) throws(Failure) -> JSON {
        var result = document
        for operation in operations {
            switch operation {
            case .test(let path, let expected):
                guard try Self.value(at: path, in: result, orNull: true) == expected else {
                    throw .testFailed(path: path)
                }
            case .add(let path, let value): try Self.change(&result, path) { .insert(value, $0) }
            case .replace(let path, let value):
                // As in the real server, a member that is missing is added.
                _ = try Self.value(at: path, in: result, orNull: true)
                try Self.change(&result, path) { .overwrite(value, $0) }
            case .remove(let path):
                _ = try Self.value(at: path, in: result)
                try Self.change(&result, path) { .delete($0) }
            case .move(let from, let path):
                let value = try Self.value(at: from, in: result)
                try Self.change(&result, from) { .delete($0) }
                try Self.change(&result, path) { .insert(value, $0) }
            case .copy(let from, let path):
                let value = try Self.value(at: from, in: result)
                try Self.change(&result, path) { .insert(value, $0) }
            }
        }
        return result
    }
}

extension JSONPatch {
    /// The operation on the last element of a path.
    private enum Change {
        case insert(JSON, String)
        case overwrite(JSON, String)
        case delete(String)
    }

    /// The value at a path; as in the real server, a missing member equals null in a `test`.
    private static func value(
        at path: [String],
        in document: JSON,
        orNull: Bool = false
    ) throws(Failure) -> JSON {
        var value = document
        for (depth, step) in path.enumerated() {
            switch value {
            case .object(let members):
                if let member = members[step] {
                    value = member
                } else if orNull, depth == path.count - 1 {
                    return .null
                } else {
                    throw .missing(path: path)
                }
            case .array(let elements):
                guard let index = index(step, below: elements.count) else { throw .missing(path: path) }
                value = elements[index]
            default: throw .missing(path: path)
            }
        }
        return value
    }

    private static func change(
        _ document: inout JSON,
        _ path: [String],
        depth: Int = 0,
        _ make: (String) -> Change
    ) throws(Failure) {
        guard depth < path.count else {
            // The path of the whole document is only useful to replace it.
            switch make("") {
            case .insert(let value, _), .overwrite(let value, _): document = value
            case .delete: throw .missing(path: path)
            }
            return
        }
        let step = path[depth]
        let isLast = depth == path.count - 1
        switch document {
        case .object(var members):
            if isLast {
                switch make(step) {
                case .insert(let value, let name), .overwrite(let value, let name): members[name] = value
                case .delete(let name): members[name] = nil
                }
            } else {
                guard var member = members[step] else { throw .missing(path: path) }
                try change(&member, path, depth: depth + 1, make)
                members[step] = member
            }
            document = .object(members)
        case .array(var elements):
            if isLast {
                try change(&elements, step, make(step), path)
            } else {
                guard let index = index(step, below: elements.count) else { throw .missing(path: path) }
                try change(&elements[index], path, depth: depth + 1, make)
            }
            document = .array(elements)
        default: throw .missing(path: path)
        }
    }

    private static func change(
        _ elements: inout [JSON],
        _ step: String,
        _ change: Change,
        _ path: [String]
    ) throws(Failure) {
        if case .insert(let value, _) = change, step == "-" {
            elements.append(value)
            return
        }
        let isInsert = if case .insert = change { true } else { false }
        guard let index = index(step, below: elements.count + (isInsert ? 1 : 0)) else { throw .missing(path: path) }
        switch change {
        case .insert(let value, _): elements.insert(value, at: index)
        case .overwrite(let value, _): elements[index] = value
        case .delete: elements.remove(at: index)
        }
    }

    /// Parses an index of a list: digits without a leading zero.
    private static func index(_ step: String, below count: Int) -> Int? {
        guard let index = Int(step), String(index) == step, index >= 0, index < count else { return nil }
        return index
    }
}
