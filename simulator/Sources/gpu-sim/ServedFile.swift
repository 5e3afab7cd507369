import FoundationEssentials

/// A regular file below the served directory.
struct ServedFile: Sendable {
    let path: String
    let size: Int
    /// Changes whenever the file is replaced or written to.
    let entityTag: String

    /// Finds the file of a request; nil when there is none, or when the path leads out of the directory.
    ///
    /// Percent escapes are not undone: the packages' names need none.
    init?(directory: String, requestPath: String) {
        let names = requestPath.split(separator: "/")
        guard !names.isEmpty, !names.contains("..") else { return nil }
        path = directory + "/" + names.joined(separator: "/")
        guard
            let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            attributes[.type] as? FileAttributeType == .typeRegular,
            let size = attributes[.size] as? UInt,
            let changed = attributes[.modificationDate] as? Date
        else { return nil }
        self.size = Int(size)
        entityTag = "\"\(String(size, radix: 16))-\(changed.timeIntervalSince1970)\""
    }
}

/// The one range that a `Range` header asks for; several at once are not served.
struct ByteRange: Equatable {
    enum Resolved: Equatable {
        case bytes(Range<Int>)
        case unsatisfiable
    }

    private var first: Int?
    private var last: Int?

    init?(_ header: String) {
        guard header.hasPrefix("bytes=") else { return nil }
        let ends = header.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2, ends.allSatisfy({ $0.allSatisfy(\.isNumber) }) else { return nil }
        first = Int(ends[0])
        last = Int(ends[1])
        if first == nil && last == nil { return nil }
        if let first, let last, last < first { return nil }
    }

    /// The bytes of a file that has `size` of them; without a first one, the last so many are meant.
    func resolved(size: Int) -> Resolved {
        guard let first else {
            let count = min(last ?? 0, size)
            return count > 0 ? .bytes(size - count..<size) : .unsatisfiable
        }
        guard first < size else { return .unsatisfiable }
        return .bytes(first..<min((last ?? size - 1) + 1, size))
    }
}
