import Agent
import Catalog
import Documents
import FoundationEssentials
import Glibc
import Host
import NodeModel
import Support
import TestSupport
import Testing

/// The catalog files and the configuration: their merged result, and the messages when they are wrong.
@Suite struct SetupTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write("catalog/a.yaml", Self.catalog("10de:2bb5", "first"))
        try directory.write("catalog/notes.txt", "not read")
    }

    private static func catalog(_ id: String, _ name: String, mode: String = "extend") -> String {
        """
        apiVersion: gpu-agent/v1
        kind: DriverCatalog
        mode: \(mode)
        gpus:
          - {id: \(id), name: \(name), architecture: blackwell, kernelModuleTypes: [open]}
        """
    }

    private func settings(_ catalogs: [String] = [], config: String? = nil) -> Settings {
        Settings(
            hostRoot: "/",
            hostPID: nil,
            catalogDirectory: directory.path("catalog"),
            catalogs: catalogs.map(directory.path),
            configFile: config.map(directory.path)
        )
    }

    /// The error of `load`, as text.
    private func failure(_ settings: Settings) -> String {
        do throws(SetupError) {
            _ = try Setup.load(settings)
            return "nothing"
        } catch { return errorChain(error).replacing(directory.path + "/", with: "") }
    }

    @Test func laterFilesAreLaidOverEarlierOnes() throws {
        try directory.write("own.yaml", Self.catalog("10de:2bb5", "second"))
        try directory.write("more.yaml", Self.catalog("10de:ffff", "third"))
        let setup = try Setup.load(settings(["own.yaml", "more.yaml"]))
        #expect(setup.catalog.gpus.values.map(\.name).sorted() == ["second", "third"])
    }

    @Test func usesEveryCatalogBesideTheMountedConfiguration() throws {
        try directory.write("mounted/config.yaml", "apiVersion: gpu-agent/v1\nkind: AgentConfig\n")
        try directory.write("mounted/catalog.yaml", Self.catalog("10de:ffff", "mounted"))
        try directory.write("mounted/short.YML", Self.catalog("10de:fffd", "short"))
        try directory.write("mounted/..data.yaml", "not read")
        var settings = settings(config: "mounted//config.yaml")
        settings.configDirectory = directory.path("mounted")
        #expect(try Setup.load(settings).catalog.gpus.values.map(\.name).sorted() == ["first", "mounted", "short"])
        #expect(try Setup.load(settings).warnings == [])
        // Without a configuration too.
        settings.configFile = nil
        try directory.write("mounted/config.yaml", Self.catalog("10de:fffe", "second"))
        #expect(try Setup.load(settings).catalog.gpus.count == 4)
    }

    static let mounted: [(file: String?, directory: String?)] = [
        (nil, "/etc/gpu-agent"), ("/etc/gpu-agent/config.yaml", "/etc/gpu-agent"),
        ("/etc/gpu-agent//./config.yaml", "/etc/gpu-agent"), ("/etc/gpu-agent/other.yaml", nil), ("config.yaml", nil),
    ]

    @Test(arguments: mounted)
    func theMountedDirectoryBelongsToTheMountedConfiguration(_ file: String?, _ directory: String?) {
        #expect(Settings.mountedDirectory(besideConfiguration: file) == directory)
    }

    @Test func theDaemonSetNamesTheMountedConfiguration() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let manifest = try Data(contentsOf: root.appending(path: "daemonset/base/daemonset.yaml"))
        #expect(
            String(decoding: manifest, as: UTF8.self).contains(
                "args: [run, --config, \(Settings.mountedConfiguration)]"
            )
        )
    }

    @Test func namesAMountedCatalogThatTheConfigurationDoesNotList() throws {
        let used = directory.path("mounted/used.yaml")
        try directory.write(
            "mounted/config.yaml",
            "apiVersion: gpu-agent/v1\nkind: AgentConfig\ncatalogs: [\(used)]\n"
        )
        try directory.write("mounted/used.yaml", Self.catalog("10de:ffff", "used"))
        try directory.write("mounted/catalog.txt", "not read")
        try directory.write("mounted/catalog.json", "{}")
        try directory.write("mounted/forgotten.yaml", Self.catalog("10de:fffe", "forgotten"))
        var settings = settings(config: "mounted/config.yaml")
        settings.configDirectory = directory.path("mounted")
        let setup = try Setup.load(settings)
        #expect(setup.catalog.gpus.values.map(\.name).sorted() == ["first", "used"])
        #expect(setup.warnings.count == 3)
        for (warning, words) in zip(
            setup.warnings,
            [
                "mounted/catalog.json:1:1: the agent ignores this file, because 'catalogs'",
                "mounted/catalog.txt:1:1: the agent ignores this file, because the name of a catalog ends with",
                "mounted/forgotten.yaml:1:1: the agent ignores this file, because 'catalogs'",
            ]
        ) {
            #expect(warning.contains(words))
        }
        #expect(try Setup.review(settings).notes.contains { $0.place.file.hasSuffix("forgotten.yaml") })
    }

    @Test func readsTheAuthoritiesOfDownloads() throws {
        let config = "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndownload: {caFile: \(directory.path("ca.pem"))}\n"
        try directory.write("config.yaml", config)
        #expect(failure(settings(config: "config.yaml")) == "cannot read ca.pem: No such file or directory")
        try directory.write("ca.pem", "no certificate")
        #expect(failure(settings(config: "config.yaml")).hasPrefix("cannot read ca.pem: "))
        #expect(try Setup.load(settings()).authorities == nil)
    }

    /// `SSL_CERT_FILE` in the environment of the agent; the configuration wins.
    @Test func theEnvironmentNamesTheAuthoritiesOfDownloads() async throws {
        var named = settings()
        named.authorityFile = directory.path("environment.pem")
        let ignoring = try Setup.load(named)
        #expect(ignoring.authorities == nil)
        let missing =
            "The agent ignores SSL_CERT_FILE: cannot read \(named.authorityFile ?? ""): No such file or directory."
        #expect(ignoring.warnings.first == missing)
        let config = "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndownload: {caFile: \(directory.path("ca.pem"))}\n"
        try directory.write("config.yaml", config)
        var both = settings(config: "config.yaml")
        both.authorityFile = named.authorityFile
        #expect(failure(both) == "cannot read ca.pem: No such file or directory")
        named.authorityFile = try await TestCertificates.shared.authorityFile
        #expect(try Setup.load(named).authorities != nil)
    }

    @Test func theConfigurationReplacesTheProxiesOfTheEnvironment() throws {
        let environment = ["HTTPS_PROXY": "http://a:1", "HTTP_PROXY": "http://b:2", "NO_PROXY": "c"]
        let usual = try Setup.load(settings()).downloader(environment: environment).proxies
        #expect(usual == ProxySettings(environment: environment))
        let config = """
            apiVersion: gpu-agent/v1
            kind: AgentConfig
            download: {httpsProxy: 'http://x:3', noProxy: [y]}
            """
        try directory.write("config.yaml", config)
        let proxies = try Setup.load(settings(config: "config.yaml")).downloader(environment: environment).proxies
        #expect(try proxies.server(for: "https://example.com")?.host == "x")
        #expect(try proxies.server(for: "http://example.com")?.host == "b")
        #expect(try proxies.server(for: "https://y") == nil && proxies.server(for: "https://c") != nil)
    }

    @Test func theConfigurationLimitsTheSizeOfDownloads() throws {
        #expect(try Setup.load(settings()).downloader(environment: [:]).sizeLimit == 4 << 30)
        let config = "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndownload: {sizeLimit: 1GiB}\n"
        try directory.write("config.yaml", config)
        #expect(try Setup.load(settings(config: "config.yaml")).downloader(environment: [:]).sizeLimit == 1 << 30)
    }

    @Test func warnsAboutWhatAnAddedCatalogTakesAway() throws {
        try directory.write("own.yaml", Self.catalog("10de:ffff", "alone", mode: "replace"))
        #expect(try Setup.load(settings(["own.yaml"])).warnings == ["The catalog no longer has '10de:2bb5' in gpus."])
    }

    @Test func aFileThatReplacesStandsAlone() throws {
        try directory.write("own.yaml", Self.catalog("10de:ffff", "alone", mode: "replace"))
        #expect(try Setup.load(settings(["own.yaml"])).catalog.gpus.values.map(\.name) == ["alone"])
    }

    @Test func theConfigurationNamesCatalogsAndWishes() throws {
        try directory.write("own.yaml", Self.catalog("10de:2bb5", "second"))
        try directory.write(
            "config.yaml",
            """
            apiVersion: gpu-agent/v1
            kind: AgentConfig
            driver: {branch: 580}
            labels: {prefix: gpu.example.com}
            catalogs: ["\(directory.path("own.yaml"))"]
            """
        )
        let setup = try Setup.load(settings(config: "config.yaml"))
        #expect(setup.policy.branch == 580 && setup.policy.labelPrefix == "gpu.example.com")
        #expect(setup.catalog.gpus.values.map(\.name) == ["second"])
    }

    @Test func theProblemsOfAllFilesAreToldAtOnce() throws {
        try directory.write("catalog/b.yaml", "apiVersion: gpu-agent/v1\nkind: DriverCatalog\ngpu: []\n")
        try directory.write("own.yaml", "a: [1\n")
        try directory.write("config.yaml", "apiVersion: gpu-agent/v2\nkind: AgentConfig\n")
        #expect(
            failure(settings(["own.yaml"], config: "config.yaml")).split(separator: "\n") == [
                "config.yaml:1:13: apiVersion is 'gpu-agent/v2' and must be 'gpu-agent/v1'",
                "catalog/b.yaml:3:1: unknown key 'gpu' in the catalog; did you mean 'gpus'?",
                "own.yaml:2:1: while parsing a flow sequence: did not find expected ',' or ']'",
            ]
        )
    }

    @Test func aMissingFileIsNamedWithItsCause() throws {
        #expect(failure(settings(["own.yaml"])) == "cannot read own.yaml: No such file or directory")
        #expect(failure(settings(config: "config.yaml")) == "cannot read config.yaml: No such file or directory")
        var nowhere = settings()
        nowhere.catalogDirectory = directory.path("nowhere")
        #expect(failure(nowhere).hasPrefix("there is no catalog file (*.yaml) in nowhere; name the directory "))
        try directory.makeDirectory("empty")
        nowhere.catalogDirectory = directory.path("empty")
        #expect(failure(nowhere).hasPrefix("there is no catalog file (*.yaml) in empty; "))
    }

    @Test(arguments: ["json", "yaml"])
    func factsComeBackFromTheirText(format: String) throws {
        for facts in [NodeFacts.rtxProReady, .h100, .noGPU, .unknownGPU] {
            let text = format == "json" ? try Rendering.json(facts) : try Rendering.yaml(facts)
            try directory.write("facts", text)
            #expect(try FactsFile.read(directory.path("facts")) == facts)
        }
    }

    @Test func aFileThatIsNoFactsSaysWhere() throws {
        for (text, why) in [
            ("{\"apiVersion\": \"gpu-agent/v1\"}", "kind: is missing"),
            ("", "the document is empty"),
            ("[1, 2]", "expected an object"),
            (try Rendering.json(NodeFacts.h100).replacing("NodeFacts", with: "Pod"), "kind is 'Pod', not 'NodeFacts'"),
        ] {
            try directory.write("facts", text)
            let error = #expect(throws: SetupError.self) { try FactsFile.read(directory.path("facts")) }
            let words = error.map(errorChain) ?? ""
            #expect(words.contains("does not contain the facts of a node") && words.contains(why), "\(words)")
        }
    }

    @Test func aHugeFileIsNotRead() throws {
        try directory.write("huge.yaml", "")
        #expect(truncate(directory.path("huge.yaml"), 1 << 40) == 0)
        #expect(failure(settings(["huge.yaml"])) == "cannot read huge.yaml: File too large")
    }
}
