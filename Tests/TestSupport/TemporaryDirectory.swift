import FoundationEssentials
import Glibc

/// A temporary directory for one test.
///
/// It is removed with its content when the value is destroyed.
package final class TemporaryDirectory: Sendable {
    /// The absolute path, without symbolic links and without a trailing slash.
    package let path: String

    package init() throws {
        let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
        var template = Array("\(base)/gpu-agent-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The absolute path of `name` in this directory.
    package func path(_ name: String) -> String {
        "\(path)/\(name.drop { $0 == "/" })"
    }

    /// Writes a file and creates its parent directories.
    package func write(_ name: String, _ text: String) throws {
        try write(name, bytes: Array(text.utf8))
    }

    /// Writes a file and creates its parent directories.
    package func write(_ name: String, bytes: [UInt8]) throws {
        try makeParent(of: name)
        try Data(bytes).write(to: URL(filePath: path(name)))
    }

    /// Creates a directory and its parents.
    package func makeDirectory(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    }

    /// Creates a symbolic link to `target`, and its parent directories.
    package func link(_ name: String, to target: String) throws {
        try makeParent(of: name)
        try FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: target)
    }

    /// The content of a file.
    package func text(_ name: String) throws -> String {
        try String(contentsOfFile: path(name), encoding: .utf8)
    }

    /// Whether a file with this name exists.
    ///
    /// Symbolic links are followed.
    package func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path(name))
    }

    private func makeParent(of name: String) throws {
        let parent = URL(filePath: path(name)).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    }
}
