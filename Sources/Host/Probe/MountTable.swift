import NodeModel

/// The mount table of PID 1, `/proc/1/mountinfo`; see proc_pid_mountinfo(5).
enum MountTable {
    // A node with many pods has thousands of mounts, hence the high limit.
    static let limit = 32 << 20

    /// Whether the file system with `/usr` is mounted read-only; absent in a copied tree, which has no mount table.
    static func usrIsReadOnly(_ root: HostRoot) -> Reading<Bool> {
        let table = reading { () throws(HostError) in try root.text("/proc/1/mountinfo", limit: limit) }
        return table.flatMap { isReadOnly("/usr", in: $0).map { .present($0) } ?? .absent }
    }

    /// Which of the directories are on a file system that is mounted `noexec`; absent when none of them is.
    static func noExec(_ directories: [String], _ root: HostRoot) -> Reading<[String]> {
        let table = reading { () throws(HostError) in try root.text("/proc/1/mountinfo", limit: limit) }
        return table.flatMap { table in
            let found = directories.filter { has("noexec", $0, in: table) == true }
            return found.isEmpty ? .absent : .present(found)
        }
    }

    /// Whether the file system with the directory is read-only; nil when the table has no mount for it.
    static func isReadOnly(_ directory: String, in table: String) -> Bool? { has("ro", directory, in: table) }

    /// Whether the file system with the directory has a mount option; nil when the table has no mount for it.
    ///
    /// The options of the mount are the sixth field, and those of the file system are the last one. The last mount on
    /// the deepest mount point counts.
    static func has(_ option: Substring, _ directory: String, in table: String) -> Bool? {
        var deepest = 0
        var result: Bool?
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, let last = fields.last else { continue }
            let point = fields[4]
            let holds = point == "/" || directory == point || directory.hasPrefix("\(point)/")
            guard holds, point.utf8.count >= deepest else { continue }
            deepest = point.utf8.count
            result = [fields[5], last].contains { $0.split(separator: ",").contains(option) }
        }
        return result
    }
}
