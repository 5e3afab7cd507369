package import Catalog
package import Documents

/// The configuration file with its places, for the commands that explain it.
package struct ConfigFile: Sendable {
    /// Nil when there is no file.
    package var document: DocumentNode?
    package var config: Config

    /// Reads the configuration alone; without a file, every setting has its default.
    ///
    /// - Throws: `problems` with the problems of the top level and of all pools.
    package static func read(_ path: String?) throws(SetupError) -> ConfigFile {
        guard let path else { return ConfigFile(document: nil, config: Config()) }
        var problems: [DocumentProblem] = []
        guard let document = try Setup.document(path, &problems) else {
            throw .problems(DocumentProblems(problems))
        }
        switch Config.read(document) {
        case .success(let config): return ConfigFile(document: document, config: config)
        case .failure(let found): throw .problems(found)
        }
    }
}
