package import Documents

/// One setting of a node: its key, its value, and the place where the value comes from.
package struct ConfigSetting: Sendable, Equatable {
    /// Where a value comes from; a later case takes precedence over an earlier one.
    package enum Origin: Sendable, Equatable {
        /// The file does not have the key.
        case unset
        case topLevel(DocumentPlace)
        case pool(String, DocumentPlace)
    }

    /// The keys from the outermost to the innermost, such as `driver` and `version`.
    package var path: [String]
    /// The value in one line: a text, a list such as `[a, b]`, or `none`.
    package var value: String
    package var origin: Origin

    package init(_ path: [String], _ value: String, _ origin: Origin) {
        self.path = path
        self.value = value
        self.origin = origin
    }

    package var key: String { path.joined(separator: ".") }

    /// All settings of a node, sorted by key.
    ///
    /// - Parameters:
    ///   - document: The configuration file, which has no problems; nil when there is none.
    ///   - pool: The pool of the node; nil for the settings of the top level.
    /// - Returns: Those of the file, and the default for each key that the file does not have.
    package static func all(_ document: DocumentNode?, pool: String?) -> [ConfigSetting] {
        var settings: [ConfigSetting] = []
        if let document {
            let own = pool.flatMap { document.settings(ofPool: $0) }
            let empty = DocumentNode(.mapping([]), at: document.place)
            let merged = ConfigMerge.document(document, with: own ?? empty)
            let ofPool = Set(own?.leaves.map(\.node.place) ?? [])
            let leaves = merged.leaves.filter { !["apiVersion", "kind"].contains($0.path.first ?? "") }
            settings = leaves.map { path, node in
                let origin = pool.flatMap { ofPool.contains(node.place) ? Origin.pool($0, node.place) : nil }
                return ConfigSetting(path, node.oneLine, origin ?? .topLevel(node.place))
            }
        }
        let given = settings.map(\.path)
        settings += defaults.compactMap { entry in
            let path = entry.key.split(separator: ".").map(String.init)
            // A value of the file can be above the key, as 'conditions: none' is, or below it, as a PCI ID is.
            let isGiven = given.contains { $0.starts(with: path) || path.starts(with: $0) }
            return isGiven ? nil : ConfigSetting(path, entry.value, .unset)
        }
        return settings.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }

    /// What each key means that no file has: its value, or in words what the agent does.
    ///
    /// A value without a space or a parenthesis can be written into the file, and changes nothing there.
    package static let defaults: [(key: String, value: String)] = [
        ("catalogs", "(the catalogs beside the configuration)"),
        ("checks.vulkan", "false"),
        ("cluster", "required"),
        ("conditions.healthy", "GPUHealthy"),
        ("conditions.ready", "GPUReady"),
        ("download.caFile", "(SSL_CERT_FILE of the agent)"),
        ("download.httpProxy", "(HTTP_PROXY of the agent)"),
        ("download.httpsProxy", "(HTTPS_PROXY of the agent)"),
        ("download.noProxy", "(NO_PROXY of the agent)"),
        ("download.sizeLimit", "(4GiB)"),
        ("driver.branch", "(any)"),
        ("driver.buildPackages", "true"),
        ("driver.channel", "(any)"),
        ("driver.kernelModuleType", "(open, if the GPU supports it)"),
        ("driver.moduleParameters", "(none)"),
        ("driver.persistenced", "true"),
        ("driver.signing", "(none)"),
        ("driver.source", "(runfile, or packages where the kernel needs signed modules)"),
        ("driver.takeover", "false"),
        ("driver.version", "(any)"),
        ("driver.workstation", "false"),
        ("gpus", "(by the catalog and the evidence)"),
        ("handover.operator", "auto"),
        ("health.nvmlEvents", "auto"),
        ("labels.deprecated", "false"),
        ("labels.nvidia", "auto"),
        ("labels.prefix", "gpu-agent.dev"),
        ("license.featureType", "(by the driver)"),
        ("license.grace", "0s"),
        ("license.tokenFile", "(none)"),
        ("metrics.gpus", "false"),
        ("mig.configFile", "(none)"),
        ("mig.strategy", "single"),
        ("mode", "manage"),
        ("readiness.startupTaints", "(the agent's own two)"),
        ("readiness.waitFor", "none"),
    ]
}

extension DocumentNode {
    /// The settings of the pool with this name; nil when there is no such pool.
    fileprivate func settings(ofPool name: String) -> DocumentNode? {
        guard case .sequence(let pools) = value(ConfigPool.key)?.content else { return nil }
        return pools.first { $0.value("name")?.text == name }?.value("settings")
    }

    /// The values below a mapping that are no mappings with entries, each with its keys.
    fileprivate var leaves: [(path: [String], node: DocumentNode)] {
        guard case .mapping(let entries) = content, !entries.isEmpty else { return [([], self)] }
        return entries.flatMap { entry in
            entry.value.leaves.map { ([entry.key.text ?? ""] + $0.path, $0.node) }
        }
    }

    /// The value in one line, as flow style of YAML without quotes.
    fileprivate var oneLine: String {
        switch content {
        case .scalar(let text, _): text
        case .sequence(let items): "[\(items.map(\.oneLine).joined(separator: ", "))]"
        case .mapping(let entries):
            "{\(entries.map { "\($0.key.text ?? ""): \($0.value.oneLine)" }.joined(separator: ", "))}"
        }
    }
}
