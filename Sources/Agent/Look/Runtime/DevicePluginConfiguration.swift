import Documents
import Host
import NodeModel
import Support

/// The parts of the device plugin's configuration file that decide what it offers to pods.
///
/// Source of the format: `api/config/v1` in NVIDIA/k8s-device-plugin.
struct DevicePluginConfiguration: Codable, Sendable, Equatable {
    /// The value of `flags.migStrategy`; nil when the file has none.
    var strategy: String?
    /// Whether `sharing` has a resource that several pods share, by time-slicing or by MPS.
    var isSharing: Bool
    /// What `sharing` says; nil when the agent does not understand it.
    var sharing: DeviceSharing?

    /// Reads the text of a file.
    static func parse(_ text: String, file: String) -> Reading<DevicePluginConfiguration> {
        do throws(DocumentProblems) {
            let document = try YAMLDocument.parse(text, file: file)
            let sharing = document["sharing"]
            return .present(
                DevicePluginConfiguration(
                    strategy: document["flags"]?["migStrategy"]?.text,
                    isSharing: ["timeSlicing", "mps"].contains { sharing?[$0]?["resources"]?.items.isEmpty == false },
                    sharing: Self.sharing(sharing)
                )
            )
        } catch { return .unreadable(ReadFailure(.malformed, errorChain(error))) }
    }

    /// Reads the section `sharing` as the plugin does.
    ///
    /// MPS counts before time-slicing. The plugin ignores names of resources other than `renameByDefault` gives, and
    /// selections of devices.
    private static func sharing(_ node: DocumentNode?) -> DeviceSharing? {
        func section(_ name: String) -> DocumentNode? {
            node?[name].flatMap { $0.isPlain("null") || $0.isPlain("~") || $0.isPlain("") ? nil : $0 }
        }
        let (mps, slicing) = (section("mps"), section("timeSlicing"))
        guard let mpsReplicas = replicas(mps), let slicingReplicas = replicas(slicing) else { return nil }
        func isShared(_ replicas: [String: Int]) -> Bool { replicas.values.contains { $0 > 1 } }
        let strategy: DeviceSharing.Strategy =
            isShared(mpsReplicas) ? .mps : isShared(slicingReplicas) ? .timeSlicing : .unshared
        let used = mps ?? slicing
        return DeviceSharing(
            strategy: strategy,
            replicas: mps == nil ? slicingReplicas : mpsReplicas,
            isRenamed: used?["renameByDefault"]?.isPlain("true") == true
        )
    }

    /// How often each resource of a section is offered; nil when an entry is not one that the plugin accepts.
    private static func replicas(_ section: DocumentNode?) -> [String: Int]? {
        let entries = section?["resources"]?.items ?? []
        guard entries.count <= DeviceSharing.limit else { return nil }
        var replicas: [String: Int] = [:]
        for entry in entries {
            guard let name = entry["name"]?.text, !name.isEmpty, name.utf8.count <= 100,
                let count = entry["replicas"]?.text.flatMap(Int.init), (1...DeviceSharing.limit).contains(count)
            else { return nil }
            let prefix = OfferedDevices.resourcePrefix
            // The first entry of a resource counts.
            let key = name.hasPrefix(prefix) ? name : prefix + name
            replicas[key] = replicas[key] ?? count
        }
        return replicas
    }
}

extension DevicePluginProcess {
    /// Finds the MIG strategy as the plugin itself does: an argument, then a variable, then the file, then `none`.
    init(_ command: DevicePluginCommand) {
        let file = command.configFile.value
        let configuration = command.configuration.flatMap { text in
            DevicePluginConfiguration.parse(text, file: file ?? "the configuration file")
        }
        let found: (strategy: Reading<MIGStrategy>, source: Source)
        if let argument = command.strategyArgument {
            found = (Self.strategy(argument), .argument)
        } else if !command.strategyVariable.isAbsent {
            found = (command.strategyVariable.flatMap(Self.strategy), .environment)
        } else if let text = configuration.value?.strategy {
            found = (Self.strategy(text), .file)
        } else if configuration.value != nil || configuration.isAbsent {
            found = (.present(MIGStrategy.none), .preset)
        } else {
            found = (configuration.flatMap { _ in .absent }, .file)
        }
        self.init(
            pid: command.pid,
            strategy: found.strategy,
            source: found.source,
            configFile: file?.shortened(to: 200),
            isSharing: configuration.value?.isSharing ?? (configuration.isAbsent ? false : nil),
            isLimited: command.visibleDevices.isAbsent ? false : command.visibleDevices.value.map(Self.isLimited),
            sharing: configuration.isAbsent ? .off : configuration.value?.sharing
        )
    }

    /// Whether the container runtime hands out only the GPUs that the variable lists.
    ///
    /// Without a value and with `void`, it does nothing, and the plugin has the GPUs from the host.
    private static func isLimited(_ devices: String) -> Bool { !["", "all", "void"].contains(devices) }

    private static func strategy(_ text: String) -> Reading<MIGStrategy> {
        MIGStrategy(rawValue: text).map { .present($0) }
            ?? .unreadable(ReadFailure(.malformed, "'\(text.shortened(to: 100))' is no MIG strategy"))
    }
}

extension Prober {
    /// What the processes of the host tell about the device plugin; what the Node says is added later.
    func devicePlugin(_ facts: NodeFacts) async -> DevicePluginFacts {
        guard !facts.gpus.isEmpty else { return DevicePluginFacts(processes: .skipped("the node has no GPU")) }
        return DevicePluginFacts(processes: await plugins.commands().map { $0.map { DevicePluginProcess($0) } })
    }
}
