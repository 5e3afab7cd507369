import FoundationEssentials
import SystemPackage

/// Files of NVIDIA that the tests download once, and keep in the build directory.
///
/// A directory gets its name after all files are in it. So a run that was killed leaves no half of a library, and no test
/// loads a library that another one still writes.
actor DownloadCache {
    /// The source does not give the file: there is no network, or it has another version.
    struct Unavailable: Error {
        let reason: String
    }

    static let shared = DownloadCache()

    private var downloads: [String: Task<String, any Error>] = [:]

    /// The path of the directory `name` of the cache.
    ///
    /// Tests that ask for it at the same time share one download.
    ///
    /// - Parameters:
    ///   - name: The name of the directory.
    ///   - fill: Writes the files to the directory that it gets.
    /// - Returns: The path, in which all files are complete.
    /// - Throws: The error of `fill`, also to each later caller.
    func directory(
        _ name: String,
        fill: @escaping @Sendable (String) async throws -> Void
    ) async throws -> String {
        let download =
            downloads[name]
            ?? Task {
                let path = "\(Toolbox.cache)/\(name)"
                if FileManager.default.fileExists(atPath: path) { return path }
                let part = "\(path).part"
                try? FileManager.default.removeItem(atPath: part)
                try FileManager.default.createDirectory(atPath: part, withIntermediateDirectories: true)
                try await fill(part)
                try FileManager.default.moveItem(atPath: part, toPath: path)
                return path
            }
        downloads[name] = download
        return try await download.value
    }
}
