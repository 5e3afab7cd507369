import FoundationEssentials
package import Testing

/// The absolute path of a file in the directory of the calling test: `fixture("Fixtures/rtx-pro-6000.json")`.
package func fixture(_ name: String, beside file: String = #filePath) -> String {
    URL(filePath: file).deletingLastPathComponent().appending(path: name).path
}

/// Expects `text` to equal the golden file `name` in the directory of the calling test.
///
/// With `UPDATE_GOLDEN=1` in the environment, the function writes the file instead, so that you can review the diff.
package func expectGolden(
    _ text: String,
    _ name: String,
    beside file: String = #filePath,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let path = fixture(name, beside: file)
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
        let directory = URL(filePath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path))
        return
    }
    guard let golden = try? String(contentsOfFile: path, encoding: .utf8) else {
        Issue.record("there is no golden file \(name); UPDATE_GOLDEN=1 writes it", sourceLocation: sourceLocation)
        return
    }
    if let difference = firstDifference(golden: golden, text: text) {
        Issue.record("\(name) differs, \(difference)", sourceLocation: sourceLocation)
    }
}

private func firstDifference(golden: String, text: String) -> String? {
    guard golden != text else { return nil }
    let expected = golden.split(separator: "\n", omittingEmptySubsequences: false)
    let found = text.split(separator: "\n", omittingEmptySubsequences: false)
    for index in 0..<max(expected.count, found.count) {
        let left = index < expected.count ? "'\(expected[index])'" : "the end"
        let right = index < found.count ? "'\(found[index])'" : "the end"
        if left != right { return "line \(index + 1): expected \(left), found \(right)\nthe whole text:\n\(text)" }
    }
    return "in line ends"
}
