import FoundationEssentials

/// A regular file in the served directory.
struct ServedFile: Sendable {
    let path: String
    let size: Int
    /// The entity tag, which changes when the file is replaced or written.
    let entityTag: String

    /// Finds the file of a request; nil when there is none, or when the path is outside of the directory.
    ///
    /// It does not decode percent-encoding, because names of packages do not need it.
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

/// The range in a `Range` header; the server does not support several ranges.
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

    /// The bytes of a file with a size; a range without a first byte means the last bytes.
    func resolved(size: Int) -> Resolved {
        guard let first else {
            let count = min(last ?? 0, size)
            return count > 0 ? .bytes(size - count..<size) : .unsatisfiable
        }
        guard first < size else { return .unsatisfiable }
        return .bytes(first..<min((last ?? size - 1) + 1, size))
    }
}
