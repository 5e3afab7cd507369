extension DecodingError {
    /// Where in the document the error is and what is wrong there: `host.kernel: expected a string`.
    var plainText: String {
        switch self {
        case .keyNotFound(let key, let context): place(context.codingPath + [key], "is missing")
        case .valueNotFound(_, let context): place(context.codingPath, "must not be null")
        case .typeMismatch(let type, let context): place(context.codingPath, "expected \(kind(of: type))")
        case .dataCorrupted(let context): place(context.codingPath, plainDetail(context.debugDescription))
        @unknown default: "the document does not have the expected form"
        }
    }
}

extension EncodingError {
    /// Where in the value the error is and what cannot be written there.
    var plainText: String {
        switch self {
        case .invalidValue(let value, let context): place(context.codingPath, "cannot write the value '\(value)'")
        @unknown default: "the value cannot be written"
        }
    }
}

/// A statement with the path of the value it is about: `taints[0].key: is missing`.
private func place(_ path: [any CodingKey], _ statement: String) -> String {
    let text = path.reduce("") { text, key in
        if let index = key.intValue { return "\(text)[\(index)]" }
        return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
    }
    return text.isEmpty ? statement : "\(text): \(statement)"
}

/// What a document calls a type of Swift.
private func kind(of type: any Any.Type) -> String {
    switch type {
    case is String.Type: "a string"
    case is Bool.Type: "true or false"
    case is any FixedWidthInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is any ListType.Type: "a list"
    case is any ObjectType.Type: "an object"
    default: "a value of another type"
    }
}

private protocol ListType {}
extension Array: ListType {}
extension Set: ListType {}
private protocol ObjectType {}
extension Dictionary: ObjectType {}

/// The decoder's own sentence, without the names of Swift types that it mentions.
private func plainDetail(_ detail: String) -> String {
    // The standard library writes "Cannot initialize TYPE from invalid String value VALUE" for an unknown enum value.
    if let mark = detail.firstRange(of: "from invalid String value ") {
        return "unknown value '\(detail[mark.upperBound...])'"
    }
    if detail.hasPrefix("Parsed JSON number <"), let end = detail.firstIndex(of: ">") {
        return "the number \(detail[detail.index(after: detail.firstIndex(of: "<") ?? end)..<end]) is out of range"
    }
    if detail.hasPrefix("The given data was not valid JSON") { return "not valid JSON" }
    if detail.contains("Swift") { return "the value cannot be represented" }
    return detail.hasSuffix(".") ? String(detail.dropLast()) : detail
}
