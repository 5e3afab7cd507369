import Glibc
import Host
import Support
import SystemPackage

/// A file of the agent's own file system in which a command leaves its report for another program.
package struct ReportFile: Sendable {
    private let name: String
    private let path: HostPath

    /// Checks that the file can be written, so that a mistake shows before a long wait.
    ///
    /// - Parameter name: The path; a relative one begins in the working directory. A file that exists is replaced.
    /// - Throws: `noReport` when there is no such directory, when the user may not write there, and when the path names
    ///   something other than a file, such as `/dev/stdout`. A rename would replace that, too.
    package init(_ name: String) throws(SetupError) {
        let shown = name.visible.shortened(to: 300)
        var full = FilePath(name)
        if full.isRelative {
            guard let directory = getcwd(nil, 0) else { throw .noReport(shown, why: "the working directory is gone") }
            defer { free(directory) }
            full = FilePath(String(cString: directory)).pushing(full)
        }
        guard let path = HostPath(absolute: full.string), !path.lastComponent.isEmpty, path.lastComponent != ".." else {
            throw .noReport(shown, why: "this is not the path of a file")
        }
        do throws(HostError) {
            let root = try HostRoot("/")
            guard try root.isDirectory(path.parent) else {
                throw .file(.open, path.parent, cause: .noSuchFileOrDirectory)
            }
            if let status = try root.status(path, followLink: false), status.kind != .file { throw .notAFile(path) }
        } catch { throw .noReport(shown, why: errorChain(error)) }
        guard access(path.parent.text, W_OK | X_OK) == 0 else {
            throw .noReport(shown, why: "\(path.parent.text): \(Errno(rawValue: errno))")
        }
        (self.name, self.path) = (shown, path)
    }

    /// Replaces the file in one step, so that a reader never sees a part of a report.
    ///
    /// - Throws: `noReport`.
    package func write(_ text: String) throws(SetupError) {
        do throws(HostError) {
            try HostRoot("/").writeAtomically(path, contents: Array(text.utf8))
        } catch { throw .noReport(name, why: errorChain(error)) }
    }
}
