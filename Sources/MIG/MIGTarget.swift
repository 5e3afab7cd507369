package import NodeModel

/// The MIG layout that a GPU should have.
package struct MIGTarget: Sendable, Equatable {
    package var isEnabled: Bool
    package var devices: [MIGDeviceCount]

    package init(isEnabled: Bool, devices: [MIGDeviceCount] = []) {
        self.isEnabled = isEnabled
        self.devices = devices
    }

    /// The layout for people: `MIG mode off`, or `2 × 1g.10gb, 3g.40gb`.
    package var text: String {
        guard isEnabled else { return "MIG mode off" }
        let list = devices.map { $0.count == 1 ? "\($0.profile)" : "\($0.count) × \($0.profile)" }
        return list.isEmpty ? "MIG mode on, no MIG device" : list.joined(separator: ", ")
    }
}

/// Which layout each GPU of a node should have.
package enum MIGTargets {
    /// Finds the entry of each GPU.
    ///
    /// A GPU that no entry names keeps its layout. `devices: all` leaves out GPUs without MIG, and so does an entry
    /// that turns MIG mode off.
    ///
    /// - Returns: The layouts by the index of the GPU, and what is wrong with the entries on this node.
    package static func resolve(
        _ entries: [MIGConfigFile.Entry],
        _ inventory: MIGInventory
    ) -> (targets: [Int: MIGTarget], problems: [String]) {
        let gpus = inventory.gpus
        var targets: [Int: MIGTarget] = [:]
        var problems: [String] = []
        for gpu in inventory.unreadable where entries.contains(where: { $0.devices.contain(gpu.index) }) {
            problems.append("GPU \(gpu.index) does not answer: \(gpu.failure.detail)")
        }
        let indices = gpus.map(\.index) + inventory.unreadable.map(\.index)
        for entry in entries {
            let target = MIGTarget(isEnabled: entry.isEnabled, devices: entry.migDevices)
            var named: [MIGGPU] = gpus
            if case .indices(let wanted) = entry.devices {
                let missing = wanted.filter { !indices.contains($0) }
                if !missing.isEmpty {
                    let list = missing.map { "GPU \($0)" }.joined(separator: ", ")
                    problems.append("\(entry.place): the node has no \(list)")
                }
                named = gpus.filter { wanted.contains($0.index) }
            }
            for gpu in named where entry.filters.isEmpty || entry.filters.contains(where: { $0.matches(gpu) }) {
                if gpu.mode.isAbsent {
                    if entry.devices != .all, entry.isEnabled {
                        problems.append("\(entry.place): \(gpu.label) has no MIG (\(gpu.name))")
                    }
                    continue
                }
                if let other = targets[gpu.index], other != target {
                    problems.append(
                        "\(entry.place): \(gpu.label) is in two entries: \(other.text), and \(target.text)"
                    )
                } else {
                    targets[gpu.index] = target
                }
            }
        }
        return (targets, problems)
    }
}

extension MIGConfigFile.Devices {
    fileprivate func contain(_ index: Int) -> Bool {
        switch self {
        case .all: true
        case .indices(let indices): indices.contains(index)
        }
    }
}

extension MIGConfigFile.DeviceFilter {
    fileprivate func matches(_ gpu: MIGGPU) -> Bool {
        pciID == gpu.pciID && (subsystemID == nil || subsystemID == gpu.subsystemID)
    }
}

/// The layout as the agent records it, for the time after a reboot.
extension MIGTarget: Codable {
    private enum Key: String, CodingKey { case isEnabled = "enabled", devices }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let counts = try container.decode([RecordedDevice].self, forKey: .devices)
        self.init(
            isEnabled: try container.decode(Bool.self, forKey: .isEnabled),
            devices: try counts.map { device in
                guard let name = MIGProfileName(device.profile), (1...64).contains(device.count) else {
                    let message = "'\(device.profile)': \(device.count) is not a number of MIG devices"
                    throw DecodingError.dataCorruptedError(forKey: .devices, in: container, debugDescription: message)
                }
                return MIGDeviceCount(name, device.count)
            }
        )
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(isEnabled, forKey: .isEnabled)
        try container.encode(
            devices.map { RecordedDevice(profile: "\($0.profile)", count: $0.count) },
            forKey: .devices
        )
    }
}

private struct RecordedDevice: Codable {
    var profile: String
    var count: Int
}
