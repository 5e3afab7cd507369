package import GPUNode
import SystemPackage

/// Problems of files as people read them: each with its line, and a caret below the place.
package enum Excerpt {
    package static func text(_ problems: [DocumentProblem]) -> String {
        var files: [String: [Substring]] = [:]
        return problems.map { problem in
            let lines = files[problem.place.file] ?? lines(problem.place.file)
            files[problem.place.file] = lines
            guard lines.indices.contains(problem.place.line - 1) else { return "\(problem)\n" }
            let line = lines[problem.place.line - 1]
            guard problem.place.column <= line.count + 1, line.count <= 200 else { return "\(problem)\n" }
            let indent = line.prefix(problem.place.column - 1).map { $0 == "\t" ? "\t" : " " }.joined()
            return "\(problem)\n    \(line)\n    \(indent)^\n"
        }.joined()
    }

    /// Nothing of a file that cannot be read, or only once.
    private static func lines(_ file: String) -> [Substring] {
        guard file != "-", let bytes = try? OwnFiles.read(file) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }
}
