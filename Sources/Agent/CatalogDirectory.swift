import Glibc

extension Settings {
    /// The directory of the agent's own catalog.
    ///
    /// It is the directory in the image, or else one beside the program: `catalog`, `../share/gpu-agent/catalog`, or
    /// the directory `catalog` of the checkout that the program was built in. When there is none, it is the directory
    /// in the image, so that the error names it.
    package static var foundCatalogDirectory: String {
        guard !isDirectory(catalogDirectory), let program = link("/proc/self/exe") else { return catalogDirectory }
        let parents = parents(of: program)
        let beside = parents.prefix(1).flatMap { ["\($0)/catalog", "\($0)/../share/gpu-agent/catalog"] }
        let checkout = parents.dropFirst().prefix(4).filter { access("\($0)/Package.swift", F_OK) == 0 }
            .map { "\($0)/catalog" }
        return (beside + checkout).first(where: isDirectory) ?? catalogDirectory
    }

    /// The directories that contain a file, the nearest first.
    static func parents(of path: String) -> [String] {
        var parts = path.split(separator: "/")
        var parents: [String] = []
        while !parts.isEmpty {
            parts.removeLast()
            parents.append("/" + parts.joined(separator: "/"))
        }
        return parents
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink(path, &buffer, buffer.count - 1)
        guard length > 0 else { return nil }
        return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
