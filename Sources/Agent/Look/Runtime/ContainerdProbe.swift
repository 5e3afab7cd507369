import Host
import NodeModel
import Support

/// Reads the versions of containerd's configuration files.
///
/// containerd does not start when a file that it imports has a higher version than the main file. NVIDIA's toolkit writes
/// such files, so a node can be lost at the next restart of containerd.
struct ContainerdProbe {
    let root: HostRoot

    private static let file: HostPath = "/etc/containerd/config.toml"
    /// The most imported files to read.
    private static let limit = 32

    func read() throws(HostError) -> ContainerdConfiguration? {
        guard let text = try root.text(Self.file) else { return nil }
        let settings = TopLevel(text)
        var imports: [ContainerdConfiguration.Import] = []
        var files: [HostPath] = []
        for pattern in settings.imports.prefix(Self.limit) { files += try paths(pattern) }
        for path in files.prefix(Self.limit) {
            guard let text = try root.text(path), let version = TopLevel(text).version else { continue }
            imports.append(.init(path: path.text, version: version))
        }
        return ContainerdConfiguration(path: Self.file.text, version: settings.version, imports: imports)
    }

    /// The files of an entry of `imports`: a path, whose last part can contain one `*`.
    private func paths(_ pattern: String) throws(HostError) -> [HostPath] {
        let absolute = pattern.hasPrefix("/") ? HostPath(absolute: pattern) : Self.file.parent.appending(pattern)
        guard let path = absolute else { return [] }
        let parts = path.lastComponent.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return parts.count == 1 ? [path] : [] }
        let names = (try root.list(path.parent) ?? []).filter { name in
            name.hasPrefix(parts[0]) && name.hasSuffix(parts[1]) && name.utf8.count >= path.lastComponent.utf8.count - 1
        }
        var found: [HostPath] = []
        for name in names.sorted() { found.append(try path.parent.entry(name)) }
        return found
    }

    /// The settings before the first table of a TOML file.
    private struct TopLevel {
        var version: Int?
        var imports: [String] = []

        init(_ text: String) {
            let lines = text.split(whereSeparator: \.isNewline).map { String($0).trimmed }
            var list: String?
            for line in lines.filter({ !$0.hasPrefix("#") }) {
                if let started = list {
                    list = started + line
                } else if line.hasPrefix("[") {
                    return
                } else if let value = Self.value(of: "version", in: line) {
                    version = Int(value.prefix { $0.isNumber })
                } else if let value = Self.value(of: "imports", in: line) {
                    list = value
                }
                if let whole = list, whole.contains("]") {
                    imports = Self.strings(whole)
                    list = nil
                }
            }
        }

        private static func value(of name: String, in line: String) -> String? {
            guard line.hasPrefix(name) else { return nil }
            let rest = String(line.dropFirst(name.count)).trimmed
            return rest.hasPrefix("=") ? String(rest.dropFirst()).trimmed : nil
        }

        /// The strings of an array, in double or single quotes.
        private static func strings(_ array: String) -> [String] {
            var strings: [String] = []
            var rest = array[...]
            while let first = rest.firstIndex(where: { $0 == "\"" || $0 == "'" }) {
                let after = rest.index(after: first)
                guard let end = rest[after...].firstIndex(of: rest[first]) else { break }
                strings.append(String(rest[after..<end]))
                rest = rest[rest.index(after: end)...]
            }
            return strings
        }
    }
}
