import NodeModel

/// The directories in which the dynamic loader of the host searches for libraries.
///
/// They come from `/etc/ld.so.cache`, which the loader reads first, and from `/etc/ld.so.conf`, which ldconfig makes
/// the cache from; see ld.so(8) and ldconfig(8). A missing file and a damaged cache add no directory.
struct LoaderConfiguration {
    let root: HostRoot

    private static let conf: HostPath = "/etc/ld.so.conf"
    private static let cache: HostPath = "/etc/ld.so.cache"
    // Far more than any system has. The limits only keep a damaged file from costing time.
    private static let filesLimit = 200
    private static let directoriesLimit = 500

    /// Reads the cache and the configuration.
    ///
    /// - Parameter names: The names of the libraries whose directories count in the cache, such as `libcuda.so.1`.
    /// - Returns: The directories, in the order of the loader, each of them once.
    /// - Throws: The error of the first file that exists and cannot be read.
    func directories(of names: Set<String>) throws(HostError) -> [HostPath] {
        let cached = try root.read(Self.cache, limit: 16 << 20).map { LoaderCache(bytes: $0).paths(of: names) } ?? []
        let found = cached.compactMap { HostPath(absolute: $0)?.parent } + (try configured())
        var seen: Set<HostPath> = []
        return Array(found.filter { !Self.isOfAToolkit($0) && seen.insert($0).inserted }.prefix(Self.directoriesLimit))
    }

    /// The directories of `ld.so.conf`, with the files that it includes.
    private func configured() throws(HostError) -> [HostPath] {
        var directories: [HostPath] = []
        var pending = [Self.conf]
        var read: Set<HostPath> = []
        while let file = pending.popLast(), read.count < Self.filesLimit, directories.count < Self.directoriesLimit {
            guard read.insert(file).inserted, let text = try root.text(file, limit: 256 << 10) else { continue }
            for line in Self.lines(of: text) {
                switch line {
                case .directory(let path): if let path = HostPath(absolute: path) { directories.append(path) }
                case .include(let pattern): pending += try files(matching: pattern)
                }
            }
        }
        return directories
    }

    /// The files that match a pattern with wildcards in its last component, sorted by name.
    ///
    /// A relative pattern is relative to `/etc`.
    private func files(matching pattern: String) throws(HostError) -> [HostPath] {
        let whole = pattern.hasPrefix("/") ? pattern : "/etc/\(pattern)"
        guard let path = HostPath(absolute: whole) else { return [] }
        let name = path.lastComponent
        guard name.contains("*") else { return [path] }
        var files: [HostPath] = []
        // The caller takes the last file first.
        for entry in (try root.list(path.parent) ?? []).sorted(by: >) where Self.matches(entry, name) {
            files.append(try path.parent.entry(entry))
        }
        return files
    }

    enum Line: Equatable {
        case directory(String)
        case include(String)
    }

    /// The lines that name a directory or other files.
    static func lines(of text: String) -> [Line] {
        text.split(whereSeparator: \.isNewline).flatMap { line -> [Line] in
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
            switch words.first {
            case nil, "hwcap": return []
            case "include": return words.dropFirst().map { .include($0) }
            // An old form adds the type of the library after the directory: `/usr/lib=libc6`.
            case let first?: return [.directory(String(first.prefix { $0 != "=" }))]
            }
        }
    }

    /// Whether a file name matches a pattern in which `*` stands for any text.
    static func matches(_ name: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return name == pattern }
        guard name.hasPrefix(first), name.hasSuffix(last), name.count >= first.count + last.count else { return false }
        var rest = name.dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }

    /// Whether the directory belongs to the CUDA toolkit.
    ///
    /// Its libraries for forward compatibility and its stubs have the names of the driver's libraries.
    private static func isOfAToolkit(_ directory: HostPath) -> Bool {
        let parts = directory.text.split(separator: "/")
        return parts.contains { $0 == "compat" || $0 == "stubs" || $0.hasPrefix("cuda-compat") }
    }
}

/// The cache of the dynamic loader, in the form that glibc 2.2 and later write.
///
/// A header of 48 bytes with the magic `glibc-ld.so.cache1.1` is followed by entries of 24 bytes. Each entry has flags,
/// the offset of a library's name and the offset of its path. An older table may stand before the header; offsets count
/// from the header.
struct LoaderCache {
    let bytes: [UInt8]

    private static let magic = Array("glibc-ld.so.cache1.1".utf8)
    private static let entriesLimit = 200_000

    /// The paths of the 64-bit libraries with these names, in the order of the cache; empty for a damaged cache.
    func paths(of names: Set<String>) -> [String] {
        guard let start = bytes.firstRange(of: Self.magic)?.lowerBound else { return [] }
        let table = bytes[start...]
        guard let count = Self.number(table, at: 20), count <= Self.entriesLimit else { return [] }
        // A cache has thousands of entries, so compare bytes. The names in the cache end with a NUL.
        let wanted = names.map { Array($0.utf8) + [0] }
        var paths: [String] = []
        for index in 0..<count {
            let entry = 48 + index * 24
            guard let flags = Self.number(table, at: entry), let key = Self.number(table, at: entry + 4),
                let value = Self.number(table, at: entry + 8)
            else { break }
            // The second byte is the architecture: 0 for the 32-bit libraries of x86.
            guard flags & 0xff00 != 0, key < table.count,
                wanted.contains(where: { table[(table.startIndex + key)...].starts(with: $0) })
            else { continue }
            paths.append(Self.text(table, at: value))
        }
        return paths
    }

    private static func number(_ table: ArraySlice<UInt8>, at offset: Int) -> Int? {
        let place = table.startIndex + offset
        guard place + 4 <= table.endIndex else { return nil }
        return table[place..<place + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static func text(_ table: ArraySlice<UInt8>, at offset: Int) -> String {
        guard offset < table.count else { return "" }
        let text = table[(table.startIndex + offset)...].prefix(4096).prefix { $0 != 0 }
        return String(decoding: text, as: UTF8.self)
    }
}
