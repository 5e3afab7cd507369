package import Catalog
package import Documents
package import NodeModel
import Support
import SystemPackage

/// The agent cannot use a configuration, catalog or facts file.
package enum SetupError: CausedError, Sendable {
    /// A file could not be read.
    case unreadable(String, cause: any Error)
    /// A file does not contain the facts of a node.
    case noFacts(String, why: String)
    /// Files have problems; the value lists all of them.
    case problems(DocumentProblems)
    /// The directory contains no catalog file.
    case noCatalog(String)

    package var description: String {
        switch self {
        case .unreadable(let path, _): "cannot read \(path)"
        case .noFacts(let path, let why): "\(path) does not contain the facts of a node: \(why)"
        case .problems(let problems): problems.description
        case .noCatalog(let directory): "there is no catalog file (*.yaml) in \(directory)"
        }
    }

    package var cause: (any Error)? {
        guard case .unreadable(_, let cause) = self else { return nil }
        return cause
    }
}

/// The configuration and the catalog, read from the agent's own file system.
package struct Setup: Sendable {
    package var catalog: Catalog
    package var policy: Policy
    package var cluster: ClusterUse
    /// How much the daemon may change.
    package var mode: AgentMode

    package init(
        catalog: Catalog,
        policy: Policy,
        cluster: ClusterUse = .required,
        mode: AgentMode = .manage
    ) {
        self.catalog = catalog
        self.policy = policy
        self.cluster = cluster
        self.mode = mode
    }

    /// Reads the configuration and every catalog file.
    ///
    /// - Throws: `problems` with the problems of all files.
    package static func load(_ settings: Settings) throws(SetupError) -> Setup {
        let (config, documents) = try documents(settings)
        let catalog = documents.reduce(Catalog()) { catalog, read in
            read.mode == .replace ? read.catalog : catalog.merged(with: read.catalog)
        }
        return Setup(catalog: catalog, policy: config.policy, cluster: config.cluster, mode: config.mode)
    }

    /// Reads the same files, and notes what is unusual about the catalogs as a whole.
    package static func review(_ settings: Settings) throws(SetupError) -> CatalogReview {
        CatalogReview(try documents(settings).catalogs)
    }

    private static func documents(
        _ settings: Settings
    ) throws(SetupError) -> (config: Config, catalogs: [CatalogDocument]) {
        var problems: [DocumentProblem] = []
        var config = Config()
        if let file = settings.configFile, let document = try document(file, &problems) {
            switch Config.read(document) {
            case .success(let read): config = read
            case .failure(let found): problems += found.problems
            }
        }
        var catalogs: [CatalogDocument] = []
        for file in try builtIn(settings.catalogDirectory) + config.catalogs + settings.catalogs {
            guard let document = try document(file, &problems) else { continue }
            switch CatalogDocument.read(document) {
            case .success(let read): catalogs.append(read)
            case .failure(let found): problems += found.problems
            }
        }
        guard problems.isEmpty else { throw .problems(DocumentProblems(problems)) }
        return (config, catalogs)
    }

    /// The catalog files of a directory, sorted by name.
    private static func builtIn(_ directory: String) throws(SetupError) -> [String] {
        let names: [String]
        do throws(Errno) { names = try LocalFiles.list(directory) } catch { throw .unreadable(directory, cause: error) }
        let files = names.filter { $0.hasSuffix(".yaml") }.map { "\(directory)/\($0)" }
        guard !files.isEmpty else { throw .noCatalog(directory) }
        return files
    }

    /// Parses a file; nil when it is not valid YAML.
    ///
    /// In that case, this function adds the problems to `problems`.
    private static func document(
        _ file: String,
        _ problems: inout [DocumentProblem]
    ) throws(SetupError) -> DocumentNode? {
        let text: [UInt8]
        do throws(Errno) { text = try LocalFiles.read(file) } catch { throw .unreadable(file, cause: error) }
        do throws(DocumentProblems) { return try YAMLDocument.parse(text, file: file) } catch {
            problems += error.problems
            return nil
        }
    }
}
