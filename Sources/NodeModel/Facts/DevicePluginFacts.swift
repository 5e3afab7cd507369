/// What the agent knows of NVIDIA's device plugin, which offers the GPUs of the node to pods.
///
/// The agent reads it to say when its own `mig.strategy`, the plugin and the Node do not agree. It never changes the
/// plugin.
package struct DevicePluginFacts: Codable, Sendable, Equatable {
    /// The value of the Node's label `nvidia.com/device-plugin.config`; absent when the Node has no such label.
    ///
    /// It names the configuration for this node among those in the ConfigMap of the plugin.
    package var configLabel: Reading<String>
    /// The plugins that run on the host, sorted by process ID; absent when none runs.
    package var processes: Reading<[DevicePluginProcess]>
    /// NVIDIA's resources in `status.allocatable` of the Node, by name, such as `nvidia.com/gpu`.
    ///
    /// Empty when the Node has none of them.
    package var allocatable: Reading<[String: Int]>

    package init(
        configLabel: Reading<String> = .skipped(OfferedDevices.notRead),
        processes: Reading<[DevicePluginProcess]> = .absent,
        allocatable: Reading<[String: Int]> = .skipped(OfferedDevices.notRead)
    ) {
        self.configLabel = configLabel
        self.processes = processes
        self.allocatable = allocatable
    }

    /// The MIG strategy of the running plugins; nil when none runs, when one is not known, or when they differ.
    package var strategy: MIGStrategy? {
        guard let first = processes.value?.first?.strategy.value else { return nil }
        return processes.value?.allSatisfy { $0.strategy.value == first } == true ? first : nil
    }

    /// Whether a plugin offers each device several times; nil when it is not known.
    package var isSharing: Bool? {
        let answers = (processes.value ?? []).map(\.isSharing)
        if answers.contains(true) { return true }
        return answers.isEmpty || answers.contains(nil) ? nil : false
    }

    /// Whether a plugin offers only some of the GPUs; nil when it is not known.
    package var isLimited: Bool? {
        let answers = (processes.value ?? []).map(\.isLimited)
        if answers.contains(true) { return true }
        return answers.isEmpty || answers.contains(nil) ? nil : false
    }

    /// How the running plugins share their devices; nil when none runs, when one is not known, or when they differ.
    package var sharing: DeviceSharing? {
        guard let first = processes.value?.first?.sharing else { return nil }
        return processes.value?.allSatisfy { $0.sharing == first } == true ? first : nil
    }

    /// The same facts with what the Node says.
    package func with(_ devices: Reading<OfferedDevices>) -> DevicePluginFacts {
        var facts = self
        facts.allocatable = devices.map(\.allocatable)
        facts.configLabel = devices.flatMap { $0.configLabel.map { .present($0) } ?? .absent }
        return facts
    }
}

/// A running device plugin, and the options that decide what it offers.
///
/// An argument wins over an environment variable, and both over the configuration file. Source: `NewConfig` in
/// `api/config/v1/config.go` of NVIDIA/k8s-device-plugin.
package struct DevicePluginProcess: Codable, Sendable, Equatable {
    /// Where the MIG strategy comes from.
    package enum Source: String, Codable, Sendable, CaseIterable {
        /// The argument `--mig-strategy`.
        case argument
        /// The environment variable `MIG_STRATEGY`.
        case environment
        /// `flags.migStrategy` in the configuration file.
        case file
        /// Nothing names a strategy, so it is the plugin's own `none`.
        case preset
    }

    package var pid: Int
    /// The MIG strategy; unreadable when its source is not readable or has another value.
    package var strategy: Reading<MIGStrategy>
    package var source: Source
    /// The path of the configuration file in the container of the plugin; nil when it has none.
    package var configFile: String?
    /// Whether the configuration file asks for time-slicing or MPS; nil when the file is not readable.
    ///
    /// Neither an argument nor a variable can ask for it.
    package var isSharing: Bool?
    /// Whether its container gets only some of the GPUs (`NVIDIA_VISIBLE_DEVICES`), so that it offers no others; nil when
    /// that is not known.
    package var isLimited: Bool?
    /// How the plugin shares its devices; nil when the file is not readable, and in facts of an earlier version.
    package var sharing: DeviceSharing?

    package init(
        pid: Int,
        strategy: Reading<MIGStrategy>,
        source: Source,
        configFile: String? = nil,
        isSharing: Bool? = false,
        isLimited: Bool? = false,
        sharing: DeviceSharing? = nil
    ) {
        self.pid = pid
        self.strategy = strategy
        self.source = source
        self.configFile = configFile
        self.isSharing = isSharing
        self.isLimited = isLimited
        self.sharing = sharing
    }
}

/// What the Node says about the devices that a device plugin offers to pods.
package struct OfferedDevices: Codable, Sendable, Equatable {
    /// The label with which the device plugin selects a configuration for a node.
    package static let configKey = "nvidia.com/device-plugin.config"
    /// The beginning of the names of NVIDIA's resources.
    package static let resourcePrefix = "nvidia.com/"
    /// Why an inspection without the Node does not know the devices.
    package static let notRead = "only the daemon reads what the Node offers to pods"
    /// The most resources that are kept; a GPU has fewer MIG profiles.
    private static let limit = 64

    /// The value of the label `nvidia.com/device-plugin.config`; nil when the Node has no such label.
    package var configLabel: String?
    /// The number of devices of each of NVIDIA's resources.
    package var allocatable: [String: Int]

    package init(configLabel: String? = nil, allocatable: [String: Int] = [:]) {
        self.configLabel = configLabel
        self.allocatable = allocatable
    }

    /// Takes what concerns NVIDIA's devices from the labels and the resources of a Node.
    ///
    /// - Parameters:
    ///   - labels: The labels of the Node.
    ///   - quantities: `status.allocatable` of the Node, as the server formats it.
    package init(labels: [String: String], quantities: [String: String]) {
        configLabel = labels[Self.configKey]
        let counts = quantities.filter { $0.key.hasPrefix(Self.resourcePrefix) }
            .compactMapValues(Self.count)
            .sorted { $0.key < $1.key }
        allocatable = Dictionary(uniqueKeysWithValues: counts.prefix(Self.limit).map { ($0.key, $0.value) })
    }

    /// The number in a quantity; nil when it is not a whole number of devices.
    ///
    /// The server writes whole thousands as `1k`.
    private static func count(_ quantity: String) -> Int? {
        let isThousands = quantity.hasSuffix("k")
        let digits = isThousands ? quantity.dropLast() : quantity[...]
        guard !digits.isEmpty, digits.utf8.count <= 6, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(digits)
        else { return nil }
        return isThousands ? number * 1000 : number
    }
}
