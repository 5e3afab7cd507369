package import Documents
import SystemPackage

/// Prints problems of files: each with its line, and a caret below the position.
package enum SourceExcerpt {
    package static func text(_ problems: [DocumentProblem]) -> String {
        var files: [String: [String]] = [:]
        return problems.map { problem in
            let lines = files[problem.place.file] ?? lines(problem.place.file)
            files[problem.place.file] = lines
            guard lines.indices.contains(problem.place.line - 1) else { return "\(problem)\n" }
            let line = lines[problem.place.line - 1]
            guard line.utf8.count <= 200 else { return "\(problem)\n" }
            // A column counts Unicode scalars. Several of them can form one visible character.
            let before = line.unicodeScalars.prefix(problem.place.column - 1)
            guard before.count == problem.place.column - 1 else { return "\(problem)\n" }
            let indent = Substring(before).map { $0 == "\t" ? "\t" : " " }.joined()
            return "\(problem)\n    \(line)\n    \(indent)^\n"
        }.joined()
    }

    /// The lines of a file; empty for standard input and for a file that cannot be read.
    private static func lines(_ file: String) -> [String] {
        guard file != "-", let bytes = try? LocalFiles.read(file) else { return [] }
        return YAMLLines.split(bytes).map { String(decoding: $0, as: UTF8.self) }
    }
}
