/// Checks that a text is well-formed XML of the few forms that the agent writes.
///
/// It knows elements, attributes in double quotes, the five entities and decimal references. Anything else is a problem.
enum WellFormedXML {
    /// The first problem; nil when there is none.
    static func problem(_ text: String) -> String? {
        let bad = text.unicodeScalars.first { scalar in
            scalar.value < 0x20 && scalar != "\n" || (0xfffe...0xffff).contains(scalar.value)
        }
        if let bad { return "XML cannot have U+\(String(bad.value, radix: 16))" }
        var rest = Substring(text)
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        guard rest.hasPrefix(head) else { return "the declaration is missing" }
        rest = rest.dropFirst(head.count)
        var open: [Substring] = []
        var elements = 0
        while let start = rest.firstIndex(of: "<") {
            if let problem = content(rest[..<start], isInside: !open.isEmpty) { return problem }
            guard let end = rest[start...].firstIndex(of: ">") else { return "a tag does not end" }
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("/") {
                guard open.popLast() == tag.dropFirst() else { return "</\(tag) does not end the last element" }
                continue
            }
            elements += 1
            let isEmpty = tag.hasSuffix("/")
            let inner = isEmpty ? tag.dropLast() : tag
            let name = inner.prefix { $0 != " " }
            guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0 == "-" }) else { return "'\(name)' is no name" }
            if let problem = attributes(inner.dropFirst(name.count)) { return "\(name): \(problem)" }
            if open.isEmpty, elements > 1 { return "there are two roots" }
            if !isEmpty { open.append(name) }
        }
        guard open.isEmpty else { return "\(open) does not end" }
        return content(rest, isInside: false)
    }

    private static func content(_ text: Substring, isInside: Bool) -> String? {
        if !isInside, !text.allSatisfy(\.isWhitespace) { return "there is text outside the root" }
        if text.contains(">") { return "'>' is not escaped" }
        return references(text)
    }

    private static func attributes(_ text: Substring) -> String? {
        var rest = text
        var seen: Set<Substring> = []
        while !rest.isEmpty {
            guard rest.first == " ", let equals = rest.firstIndex(of: "=") else { return "no attribute at '\(rest)'" }
            let name = rest[rest.index(after: rest.startIndex)..<equals]
            guard !name.isEmpty, name.allSatisfy(\.isLetter), seen.insert(name).inserted else {
                return "'\(name)' is no name, or it is there twice"
            }
            rest = rest[rest.index(after: equals)...]
            guard rest.first == "\"" else { return "\(name) has no quote" }
            rest = rest.dropFirst()
            guard let end = rest.firstIndex(of: "\"") else { return "\(name) does not end" }
            if let problem = references(rest[..<end]) { return problem }
            rest = rest[rest.index(after: end)...]
        }
        return nil
    }

    private static func references(_ text: Substring) -> String? {
        let parts = text.split(separator: "&", omittingEmptySubsequences: false).dropFirst()
        for part in parts {
            guard let end = part.firstIndex(of: ";") else { return "'&\(part.prefix(10))' is not escaped" }
            guard ["amp", "lt", "gt", "quot", "apos", "#9", "#13"].contains(String(part[..<end])) else {
                return "'&\(part[...end])' is not known"
            }
        }
        return nil
    }
}
