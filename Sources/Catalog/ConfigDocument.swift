package import Documents
package import NodeModel
import Support

/// The agent's configuration file.
package struct Config: Sendable, Equatable {
    /// What the operator asks for.
    package var policy: Policy
    /// The paths of catalog files to merge into the agent's own catalog, in order.
    package var catalogs: [String]?
    /// Whether the node belongs to a cluster.
    package var cluster: ClusterUse
    /// How much the daemon may change.
    package var mode: AgentMode
    /// When the daemon waits for the events of NVML.
    package var nvmlEvents: NVMLEventUse
    /// Whether the metrics have the temperature, the power and the use of each GPU.
    package var gpuMetrics: Bool
    /// The file with certificate authorities that downloads trust in addition to those of the system; nil when there is
    /// none.
    package var downloadCAFile: String?
    /// The largest package that is downloaded when the catalog does not name its size, in bytes; nil for the default.
    package var downloadSizeLimit: Int?
    /// The proxies of downloads.
    package var downloadProxies: DownloadProxies
    /// The pools of nodes with settings of their own, in the order of the file; empty when all nodes have the same.
    package var pools: [ConfigPool]

    package init(
        policy: Policy = Policy(),
        catalogs: [String]? = nil,
        cluster: ClusterUse = .required,
        mode: AgentMode = .manage,
        nvmlEvents: NVMLEventUse = .auto,
        gpuMetrics: Bool = false,
        downloadCAFile: String? = nil,
        downloadSizeLimit: Int? = nil,
        downloadProxies: DownloadProxies = DownloadProxies(),
        pools: [ConfigPool] = []
    ) {
        self.policy = policy
        self.catalogs = catalogs
        self.cluster = cluster
        self.mode = mode
        self.nvmlEvents = nvmlEvents
        self.gpuMetrics = gpuMetrics
        self.downloadCAFile = downloadCAFile
        self.downloadSizeLimit = downloadSizeLimit
        self.downloadProxies = downloadProxies
        self.pools = pools
    }

    /// Reads a configuration file, or returns all its problems, also those of every pool.
    package static func read(_ document: DocumentNode) -> Result<Config, DocumentProblems> {
        var reader = DocumentReader()
        var config = reader.config(document)
        config.pools = reader.pools(of: document, config)
        return reader.problems.isEmpty ? .success(config) : .failure(DocumentProblems(reader.problems))
    }
}

/// How the daemon uses the cluster.
package enum ClusterUse: String, Sendable, CaseIterable {
    /// The node belongs to a cluster.
    ///
    /// The daemon installs nothing before it has read its Node.
    case required
    /// There is no cluster.
    ///
    /// Nobody else can claim the driver, and the daemon publishes nothing.
    case none
}

extension DocumentReader {
    /// Reads the settings of the top level, or of one pool together with them.
    mutating func config(_ node: DocumentNode) -> Config {
        var config = Config()
        let known = [
            "apiVersion", "kind", "driver", "gpus", "labels", "conditions", "mig", "catalogs", "cluster", "mode",
            "download", "license", "checks", "health", "readiness", "handover", "metrics", ConfigPool.key,
        ]
        guard let fields = fields(node, of: "the configuration", known: known) else { return config }
        header(fields, kind: "AgentConfig")
        if let node = fields["driver"] { driverPolicy(node, &config.policy) }
        if let node = fields["license"] {
            license(node, isWorkstation: config.policy.workstation, into: &config.policy.surroundings)
        }
        if let node = fields["gpus"] { config.policy.hardware = hardware(node) }
        if let node = fields["labels"] { labels(node, &config.policy) }
        if let node = fields["readiness"] { config.policy.readiness = readiness(node) }
        if let node = fields["conditions"] { config.policy.conditions = conditionTypes(node) }
        if let node = fields["mig"], let fields = self.fields(node, of: "mig", known: ["strategy", "configFile"]) {
            if let strategy: MIGStrategy = fields["strategy"].flatMap({ choice($0, "strategy") }) {
                config.policy.migStrategy = strategy
            }
            config.policy.migConfigFile = fields["configFile"].flatMap {
                value(
                    $0,
                    "configFile",
                    form: "'\(Policy.standardMIGLayouts)', or the absolute path of a file in the agent's container "
                        + "such as /etc/gpu-agent-mig/config.yaml"
                ) { $0.hasPrefix("/") || $0 == Policy.standardMIGLayouts ? $0 : nil }
            }
        }
        if let node = fields["checks"], let fields = self.fields(node, of: "checks", known: ["vulkan"]) {
            config.policy.checksVulkan = fields["vulkan"].flatMap { boolean($0, "vulkan") } ?? false
        }
        if let node = fields["health"], let fields = self.fields(node, of: "health", known: ["nvmlEvents"]) {
            config.nvmlEvents = fields["nvmlEvents"].flatMap { choice($0, "nvmlEvents") } ?? .auto
        }
        if let node = fields["metrics"], let fields = self.fields(node, of: "metrics", known: ["gpus"]) {
            config.gpuMetrics = fields["gpus"].flatMap { boolean($0, "gpus") } ?? false
        }
        if let node = fields["handover"], let fields = self.fields(node, of: "handover", known: ["operator"]) {
            config.policy.handover = fields["operator"].flatMap { choice($0, "operator") } ?? .auto
        }
        if let node = fields["download"] { download(node, &config) }
        config.cluster = fields["cluster"].flatMap { choice($0, "cluster") } ?? .required
        if config.cluster == .none, config.policy.readiness.waitFor != .none, let node = fields["readiness"] {
            report("waitFor needs a cluster, and 'cluster' is none", at: node)
        }
        config.mode = fields["mode"].flatMap { choice($0, "mode") } ?? .manage
        config.catalogs = fields["catalogs"].map { node in
            items(node, of: "catalogs").compactMap { text($0, "a catalog file") }
        }
        return config
    }

    private mutating func driverPolicy(_ node: DocumentNode, _ policy: inout Policy) {
        let known = [
            "version", "branch", "channel", "kernelModuleType", "workstation", "takeover", "source", "buildPackages",
            "moduleParameters", "persistenced", "signing",
        ]
        guard let fields = fields(node, of: "driver", known: known) else { return }
        policy.version = fields["version"].flatMap {
            value($0, "version", form: "a driver version such as 595.91.07", DriverVersion.init)
        }
        policy.branch = fields["branch"].flatMap { integer($0, "branch") }
        policy.channel = fields["channel"].flatMap { choice($0, "channel") }
        policy.kernelModuleType = fields["kernelModuleType"].flatMap { choice($0, "kernelModuleType") }
        policy.workstation = fields["workstation"].flatMap { boolean($0, "workstation") } ?? false
        policy.takeover = fields["takeover"].flatMap { boolean($0, "takeover") } ?? false
        policy.source = fields["source"].flatMap {
            value(
                $0,
                "source",
                form: "runfile, packages, auto or a directory of the host such as file:///mnt/drivers",
                PackageSource.init
            )
        }
        policy.buildPackages = fields["buildPackages"].flatMap { boolean($0, "buildPackages") } ?? true
        if let node = fields["moduleParameters"] { policy.surroundings.moduleParameters = moduleParameters(node) }
        policy.surroundings.persistenced = fields["persistenced"].flatMap { boolean($0, "persistenced") } ?? true
        policy.signing = fields["signing"].flatMap { signing($0) }
        guard let version = policy.version else { return }
        if let branch = policy.branch, version.branch != branch {
            report("version \(version) does not belong to branch \(branch); set only one of them", at: node)
        }
        // The catalog says which channel a version belongs to. A channel here could only contradict the catalog.
        if let channel = fields["channel"] {
            report("remove 'channel': version \(version) already selects one driver", at: channel)
        }
    }

    /// Reads the hardware overrides, such as `10de:2bb5/1414:2187: vgpu`.
    ///
    /// Overrides with a subsystem ID come first, because the first override that matches a GPU wins.
    private mutating func hardware(_ node: DocumentNode) -> [HardwareOverride] {
        guard case .mapping(let entries) = node.content else {
            report("gpus must be a mapping of PCI IDs to physical, vgpu or ignored", at: node)
            return []
        }
        var places: [[PCIID]: DocumentPlace] = [:]
        let overrides: [HardwareOverride] = entries.compactMap { entry in
            let ids = value(
                entry.key,
                "a key of gpus",
                form: "a PCI ID such as 10de:2bb5 or 10de:2bb5/1414:2187"
            ) {
                let ids = $0.split(separator: "/", omittingEmptySubsequences: false).map { PCIID(String($0)) }
                return (1...2).contains(ids.count) && !ids.contains(nil) ? ids.compactMap(\.self) : nil
            }
            let treatment: HardwareOverride.Treatment? = choice(entry.value, "treatment")
            guard let ids, let id = ids.first else { return nil }
            if id.vendor != PCIFunction.nvidiaVendor {
                report("\(id) is not a PCI ID of NVIDIA, whose vendor ID is 10de", at: entry.key)
            }
            if let first = places.updateValue(entry.key.place, forKey: ids) {
                let key = ids.map(\.description).joined(separator: "/")
                report("duplicate entry '\(key)' in gpus; the first one is on line \(first.line)", at: entry.key)
            }
            return treatment.map { HardwareOverride(id: id, subsystem: ids.dropFirst().first, treatment: $0) }
        }
        return overrides.filter { $0.subsystem != nil } + overrides.filter { $0.subsystem == nil }
    }

    private mutating func labels(_ node: DocumentNode, _ policy: inout Policy) {
        guard let fields = fields(node, of: "labels", known: ["prefix", "nvidia", "deprecated"]) else { return }
        if let prefix = fields["prefix"].flatMap({ labelPrefix($0) }) { policy.labelPrefix = prefix }
        policy.nvidiaLabels = fields["nvidia"].flatMap { choice($0, "nvidia") } ?? .auto
        policy.deprecatedLabels = fields["deprecated"].flatMap { boolean($0, "deprecated") } ?? false
    }

    private mutating func labelPrefix(_ node: DocumentNode) -> String? {
        value(node, "prefix", form: "a DNS name such as gpu.example.com, without a slash") { text in
            Self.isDNSName(text) ? text : nil
        }
    }
}
