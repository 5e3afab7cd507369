package import Catalog
package import Documents
package import Host
import NetworkErrors
package import NodeModel
import Reporting
import Support
import SystemPackage

/// The agent cannot use a configuration, catalog, facts or report file.
package enum SetupError: CausedError, Sendable {
    /// A file could not be read.
    case unreadable(String, cause: any Error)
    /// A file does not contain the facts of a node.
    case noFacts(String, why: String)
    /// Files have problems; the value lists all of them.
    case problems(DocumentProblems)
    /// The directory contains no catalog file.
    case noCatalog(String)
    /// A report cannot be written to the file, for this reason.
    case noReport(String, why: String)

    package var description: String {
        switch self {
        case .unreadable(let path, _): "cannot read \(path)"
        case .noFacts(let path, let why): "\(path) does not contain the facts of a node: \(why)"
        case .problems(let problems): problems.description
        case .noCatalog(let directory):
            "there is no catalog file (*.yaml) in \(directory); name the directory of the agent's catalog with "
                + "--catalog-directory"
        case .noReport(let path, let why): "cannot write the report to \(path): \(why)"
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
    /// When the daemon waits for the events of NVML.
    package var nvmlEvents: NVMLEventUse
    /// Whether the metrics have the temperature, the power and the use of each GPU.
    package var gpuMetrics: Bool
    /// The agent's own catalog; nil when no catalog was added to it.
    package var ownCatalog: Catalog?
    /// The mounted files that the agent ignores.
    package var ignored: [DocumentProblem]
    /// The certificate authorities that downloads trust in addition to those of the system; nil when there are none.
    package var authorities: TrustedAuthorities?
    /// The largest package that is downloaded when the catalog does not name its size, in bytes.
    package var downloadSizeLimit: Int
    /// The proxies that the configuration names for downloads.
    package var downloadProxies: DownloadProxies
    /// Why the agent does not use the file that `SSL_CERT_FILE` names, as a sentence; nil when it does.
    package var authorityWarning: String?
    /// The configuration with all its pools; nil when it has none.
    package var pools: Config?
    /// Whose settings these are; while nobody can tell, they are those of the top level, and must not be used.
    package var pool = PoolChoice.topLevel

    package init(
        catalog: Catalog,
        policy: Policy,
        cluster: ClusterUse = .required,
        mode: AgentMode = .manage,
        nvmlEvents: NVMLEventUse = .auto,
        gpuMetrics: Bool = false,
        ownCatalog: Catalog? = nil,
        ignored: [DocumentProblem] = [],
        authorities: TrustedAuthorities? = nil,
        downloadSizeLimit: Int = Downloader.usualSizeLimit,
        downloadProxies: DownloadProxies = DownloadProxies()
    ) {
        self.catalog = catalog
        self.policy = policy
        self.cluster = cluster
        self.mode = mode
        self.nvmlEvents = nvmlEvents
        self.gpuMetrics = gpuMetrics
        self.ownCatalog = ownCatalog
        self.ignored = ignored
        self.authorities = authorities
        self.downloadSizeLimit = downloadSizeLimit
        self.downloadProxies = downloadProxies
    }

    /// The downloader of driver packages; the configuration and the environment of the agent name the proxies.
    package func downloader(environment: [String: String]) -> Downloader {
        var proxies = ProxySettings(environment: environment)
        proxies.configure(
            https: downloadProxies.https,
            http: downloadProxies.http,
            exclusions: downloadProxies.exclusions
        )
        return Downloader(
            proxies: proxies,
            authorities: authorities,
            sizeLimit: downloadSizeLimit
        )
    }

    /// Why the pool of a Node is not known when nobody asked for its labels.
    package static let labelsNotAsked = "this command does not read them"

    /// Reads the configuration and every catalog file.
    ///
    /// - Parameters:
    ///   - settings: The paths of the files.
    ///   - labels: The labels of the Node, which select one of the pools of the configuration.
    /// - Returns: The settings of the pool of the node, which `pool` tells.
    /// - Throws: `problems` with the problems of all files and of all pools.
    package static func load(
        _ settings: Settings,
        labels: Reading<[String: String]> = .skipped(labelsNotAsked)
    ) throws(SetupError) -> Setup {
        let (file, own, added, ignored) = try documents(settings, labels)
        let pool = file.choice(labels)
        let config = file.settings(for: pool)
        let base = own.reduce(Catalog()) { $0.applying($1) }
        let catalog = added.reduce(base) { $0.applying($1) }
        // The variable can be meant for other programs, and most commands download nothing.
        var (named, warning): (TrustedAuthorities?, String?)
        if config.downloadCAFile == nil, let file = settings.authorityFile {
            do throws(SetupError) { named = try authorities(file) } catch {
                warning = "The agent ignores SSL_CERT_FILE: \(errorChain(error))."
            }
        }
        var setup = Setup(
            catalog: catalog,
            policy: config.policy,
            cluster: config.cluster,
            mode: config.mode,
            nvmlEvents: config.nvmlEvents,
            gpuMetrics: config.gpuMetrics,
            ownCatalog: added.isEmpty ? nil : base,
            ignored: ignored,
            authorities: try config.downloadCAFile.map(authorities) ?? named,
            downloadSizeLimit: config.downloadSizeLimit ?? Downloader.usualSizeLimit,
            downloadProxies: config.downloadProxies
        )
        setup.authorityWarning = warning
        if !file.pools.isEmpty { (setup.pools, setup.pool) = (file, pool) }
        return setup
    }

    /// What the operator may not have intended, as sentences: ignored files, and what added catalogs take away.
    ///
    /// The comparison of two catalogs takes longer than a decision, so only the daemon makes it, when it starts.
    package var warnings: [String] {
        let changes = ownCatalog.map { CatalogChange.between($0, catalog) } ?? []
        return [authorityWarning].compactMap(\.self) + ignored.map(\.description) + changes.compactMap(\.loss)
    }

    /// Reads the certificate authorities of `download.caFile` or `SSL_CERT_FILE`.
    private static func authorities(_ file: String) throws(SetupError) -> TrustedAuthorities {
        let pem: [UInt8]
        do throws(Errno) { pem = try LocalFiles.read(file) } catch { throw .unreadable(file, cause: error) }
        do throws(NetworkError) { return try TrustedAuthorities(pem: pem) } catch {
            throw .unreadable(file, cause: error)
        }
    }

    /// Reads the same files, and notes what is unusual about the catalogs as a whole.
    package static func review(_ settings: Settings) throws(SetupError) -> CatalogReview {
        let (_, own, added, ignored) = try documents(settings, .skipped(labelsNotAsked))
        return CatalogReview(own + added, notes: ignored)
    }

    /// Reads all files: the catalogs of the other pools too, so that one run finds the problems of every pool.
    private static func documents(
        _ settings: Settings,
        _ labels: Reading<[String: String]>
    ) throws(SetupError) -> (
        config: Config, own: [CatalogDocument], added: [CatalogDocument], ignored: [DocumentProblem]
    ) {
        var problems: [DocumentProblem] = []
        var config = Config()
        if let file = settings.configFile, let document = try document(file, &problems) {
            switch Config.read(document) {
            case .success(let read): config = read
            case .failure(let found): problems += found.problems
            }
        }
        let own = try catalogs(try builtIn(settings.catalogDirectory), &problems)
        let mounted = try mountedFiles(settings)
        let usual = mounted.filter(isCatalogName)
        let chosen = (config.settings(for: config.choice(labels)).catalogs ?? usual) + settings.catalogs
        let added = try catalogs(chosen, &problems)
        let variants = config.variants
        let others = Set(variants.flatMap { $0.catalogs ?? usual }).subtracting(chosen).sorted()
        _ = try catalogs(others, &problems)
        guard problems.isEmpty else { throw .problems(DocumentProblems(problems)) }
        let named = variants.flatMap { [$0.downloadCAFile, $0.policy.surroundings.license?.tokenFile] }
        let used = Set((chosen + others + named.compactMap(\.self)).map(normalized))
        let ignored = mounted.filter { !used.contains(normalized($0)) }.map { file in
            let why =
                isCatalogName(file)
                ? "'catalogs' in the configuration does not list it"
                : "the name of a catalog ends with .yaml, .yml or .json"
            return DocumentProblem(
                "the agent ignores this file, because \(why)",
                at: DocumentPlace(file: file, line: 1, column: 1)
            )
        }
        return (config, own, added, ignored)
    }

    private static func normalized(_ file: String) -> String { FilePath(file).lexicallyNormalized().string }

    private static func isCatalogName(_ file: String) -> Bool {
        [".yaml", ".yml", ".json"].contains(where: file.lowercased().hasSuffix)
    }

    /// The files beside the mounted configuration, sorted by name.
    ///
    /// Those with the name of a catalog are the catalogs of a configuration that does not list any.
    private static func mountedFiles(_ settings: Settings) throws(SetupError) -> [String] {
        guard let directory = settings.configDirectory else { return [] }
        let names: [String]
        do throws(Errno) { names = try LocalFiles.list(directory) } catch { throw .unreadable(directory, cause: error) }
        let config = settings.configFile.map(normalized)
        return names.filter { !$0.hasPrefix(".") }.map { "\(directory)/\($0)" }.filter { normalized($0) != config }
    }

    /// Reads catalog files, and adds the problems of each to `problems`.
    private static func catalogs(
        _ files: [String],
        _ problems: inout [DocumentProblem]
    ) throws(SetupError) -> [CatalogDocument] {
        var catalogs: [CatalogDocument] = []
        for file in files {
            guard let document = try document(file, &problems) else { continue }
            switch CatalogDocument.read(document) {
            case .success(let read): catalogs.append(read)
            case .failure(let found): problems += found.problems
            }
        }
        return catalogs
    }

    /// The catalog files of a directory, sorted by name.
    private static func builtIn(_ directory: String) throws(SetupError) -> [String] {
        let names: [String]
        do throws(Errno) { names = try LocalFiles.list(directory) } catch {
            guard error == .noSuchFileOrDirectory else { throw .unreadable(directory, cause: error) }
            throw .noCatalog(directory)
        }
        let files = names.filter { $0.hasSuffix(".yaml") }.map { "\(directory)/\($0)" }
        guard !files.isEmpty else { throw .noCatalog(directory) }
        return files
    }

    /// Parses a file; nil when it is not valid YAML.
    ///
    /// In that case, this function adds the problems to `problems`.
    static func document(
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
