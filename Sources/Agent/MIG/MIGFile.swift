import Documents
package import MIG
import SystemPackage

/// A file with MIG layouts on the agent's own file system.
package enum MIGFile {
    /// Reads the file, or standard input for `-`.
    ///
    /// - Throws: `unreadable`, or `problems` with all problems of the file.
    package static func read(_ path: String) throws(SetupError) -> MIGConfigFile {
        let bytes: [UInt8]
        do throws(Errno) { bytes = try LocalFiles.read(path) } catch { throw .unreadable(path, cause: error) }
        let name = path == "-" ? "standard input" : path
        do throws(DocumentProblems) {
            return try MIGConfigFile.read(try YAMLDocument.parse(bytes, file: name)).get()
        } catch { throw .problems(error) }
    }
}
