import NodeModel

/// The devices that NVIDIA's device plugin offers to pods, by the name of the resource.
///
/// Source of the rules: `internal/rm/device_map.go` in NVIDIA/k8s-device-plugin.
struct DevicePluginOffer: Equatable, CustomStringConvertible {
    /// A resource of which the Node offers another number than the GPUs have.
    struct Difference: Equatable {
        var resource: String
        var offered: Int
        var wanted: Int
    }

    /// The number of devices of each resource, without the names that sharing adds.
    private(set) var counts: [String: Int]
    /// Whether a GPU is in MIG mode.
    private var hasMIG = false

    private static let gpu = "\(OfferedDevices.resourcePrefix)gpu"
    private static let migPrefix = "\(OfferedDevices.resourcePrefix)mig-"
    /// What `renameByDefault` of time-slicing and MPS adds to a name.
    private static let sharedSuffix = ".shared"

    /// What a plugin with this strategy offers when it starts now.
    ///
    /// Nil when the plugin refuses the layout, or when the MIG devices are not known.
    init?(strategy: MIGStrategy, gpus: [GPUFacts]) {
        hasMIG = gpus.contains { $0.migMode.value?.current == true }
        switch strategy {
        case .none: counts = [Self.gpu: gpus.count]
        case .single:
            switch MIGLayout(gpus.byAddress) {
            case .wholeGPUs: counts = [Self.gpu: gpus.count]
            case .uniform(_, _, let count): counts = [Self.gpu: count]
            case .invalid, .unknown: return nil
            }
        case .mixed:
            counts = [:]
            for gpu in gpus {
                guard gpu.migMode.whyUnknown == nil else { return nil }
                guard gpu.migMode.value?.current == true else {
                    counts[Self.gpu, default: 0] += 1
                    continue
                }
                // Without a MIG device, or with one that is a part of a GPU instance (`1c.3g.20gb`), it does not start.
                guard let devices = gpu.migDevices.value, !devices.isEmpty,
                    !devices.contains(where: { $0.profile.prefix { $0 != "." }.hasSuffix("c") })
                else { return nil }
                for device in devices { counts[Self.resource(device.profile), default: 0] += 1 }
            }
        }
    }

    /// What a Node offers, of the resources that the plugin can have.
    init(_ allocatable: [String: Int]) {
        counts = [:]
        for (name, count) in allocatable {
            let name = name.hasSuffix(Self.sharedSuffix) ? String(name.dropLast(Self.sharedSuffix.count)) : name
            guard name == Self.gpu || name.hasPrefix(Self.migPrefix) else { continue }
            counts[name, default: 0] += count
        }
    }

    /// The name of the resource for a MIG profile; `+` is not allowed in it.
    private static func resource(_ profile: String) -> String {
        "\(migPrefix)\(String(profile.map { $0 == "+" ? "." : $0 }))"
    }

    /// Compares what the Node offers with this offer.
    ///
    /// - Parameters:
    ///   - allocatable: What the Node offers.
    ///   - isSharing: Whether the plugin offers each device several times; nil when it is not known.
    /// - Returns: The resources of which the Node offers another number, sorted by name.
    func differences(from allocatable: [String: Int], isSharing: Bool?) -> [Difference] {
        let offered = Self(allocatable).counts
        // Other plugins with this name share whole GPUs in ways that are not in this file. The number of whole GPUs
        // changes only with the hardware, so only with MIG does a multiple tell that the plugin is out of date.
        let isExact = isSharing == false && hasMIG
        return Set(offered.keys).union(counts.keys).sorted().compactMap { name in
            let (found, wanted) = (offered[name] ?? 0, counts[name] ?? 0)
            let isMultiple = found > 0 && wanted > 0 && found.isMultiple(of: wanted)
            if found == wanted || (isMultiple && !isExact) { return nil }
            return Difference(resource: name, offered: found, wanted: wanted)
        }
    }

    /// The resources with their numbers: `nvidia.com/gpu: 8, nvidia.com/mig-1g.5gb: 7`.
    var description: String {
        let list = counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return list.isEmpty ? "no device" : list.joined(separator: ", ")
    }
}
