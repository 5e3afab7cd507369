import FoundationEssentials
import SystemPackage

/// Reads files of the agent's own file system: the catalog, the configuration and facts files.
enum LocalFiles {
    /// The largest file that is read, in bytes.
    ///
    /// The facts of a large node have a hundredth of it.
    private static let limit = 16 << 20

    /// Reads a file, or standard input for `-`.
    ///
    /// - Throws: `fileTooLarge` for a file with more than 16 MiB, without reading it to its end.
    static func read(_ path: String) throws(Errno) -> [UInt8] {
        guard path != "-" else { return try all(of: .standardInput) }
        let file = try open(path)
        defer { try? file.close() }
        return try all(of: file)
    }

    /// Lists the names in a directory, sorted.
    static func list(_ path: String) throws(Errno) -> [String] {
        // The error of `open` tells the reason, and the error of `contentsOfDirectory` does not.
        let directory = try open(path)
        try? directory.close()
        do { return try FileManager.default.contentsOfDirectory(atPath: path).sorted() } catch { throw .notDirectory }
    }

    private static func open(_ path: String) throws(Errno) -> FileDescriptor {
        do { return try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) } catch {
            throw error as? Errno ?? .ioError
        }
    }

    private static func all(of file: FileDescriptor) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count: Int
            do { count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) } } catch {
                throw error as? Errno ?? .ioError
            }
            guard count > 0 else { return bytes }
            bytes += chunk.prefix(count)
            guard bytes.count <= limit else { throw .fileTooLarge }
        }
    }
}
