package import Support

/// The MIG layout that `gpu-agent mig apply` recorded on the host, as the checks compare it with what NVML shows.
package struct WantedMIGLayout: Codable, Sendable, Equatable {
    /// What a GPU should have.
    package struct GPU: Codable, Sendable, Equatable {
        package var uuid: String
        package var isEnabled: Bool
        /// The names of the MIG devices, sorted.
        package var devices: [String]

        package init(uuid: String, isEnabled: Bool, devices: [String]) {
            (self.uuid, self.isEnabled, self.devices) = (uuid, isEnabled, devices)
        }
    }

    /// The name of the layout.
    package var layout: String
    package var gpus: [GPU]
    /// Whether the layout was made, or was waiting for a reboot; false when a step failed.
    package var isRestorable: Bool
    /// The boot in which it was recorded; nil when it was not known.
    package var bootID: String?
    package var at: Timestamp

    package init(layout: String, gpus: [GPU], isRestorable: Bool, bootID: String?, at: Timestamp) {
        self.layout = layout
        self.gpus = gpus
        self.isRestorable = isRestorable
        self.bootID = bootID
        self.at = at
    }
}

extension NodeFacts {
    /// Whether the recorded MIG layout is of an earlier boot, so that the reboot removed it, or it waited for the reboot.
    ///
    /// A layout of this boot that is gone was changed by somebody, or was never complete.
    package var isMIGLayoutOfEarlierBoot: Bool {
        guard let wanted = wantedMIG.value, wanted.isRestorable, let boot = host.bootID.value else { return false }
        return wanted.bootID != boot
    }

    /// The GPUs that do not have their recorded MIG layout; nil when there is no record, or NVML did not tell.
    package var gpusWithoutMIGLayout: [GPUFacts]? {
        guard let wanted = wantedMIG.value, let gpus = vendor.value?.nvml.value?.gpus else { return nil }
        var others: [GPUFacts] = []
        for gpu in gpus {
            guard let goal = wanted.gpus.first(where: { $0.uuid == gpu.uuid.value }) else { continue }
            guard let mode = gpu.migMode.value else { return nil }
            guard mode.current, goal.isEnabled else {
                if mode.current != goal.isEnabled { others.append(gpu) }
                continue
            }
            guard let devices = gpu.migDevices.value else { return nil }
            if devices.map(\.profile).sorted() != goal.devices { others.append(gpu) }
        }
        return others
    }
}
