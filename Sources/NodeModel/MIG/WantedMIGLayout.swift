package import Support

/// The MIG layouts that `gpu-agent mig apply` recorded on the host, as the checks compare them with what NVML shows.
package struct WantedMIGLayout: Codable, Sendable, Equatable {
    /// What a GPU should have.
    package struct GPU: Codable, Sendable, Equatable {
        package var uuid: String
        package var pciAddress: PCIAddress
        /// The name of the layout.
        package var layout: String
        package var isEnabled: Bool
        /// The names of the MIG devices, sorted.
        package var devices: [String]
        /// Whether the GPU never had the layout, because a step of `mig apply` failed.
        package var isFailed: Bool
        /// The boot in which it was recorded; nil when it was not known.
        package var bootID: String?
        /// The load of the kernel module in which it was recorded (`DriverFacts.moduleLoad`); nil when it was not known.
        package var moduleLoad: String?
        package var at: Timestamp

        package init(
            uuid: String,
            pciAddress: PCIAddress,
            layout: String,
            isEnabled: Bool,
            devices: [String],
            isFailed: Bool = false,
            bootID: String?,
            moduleLoad: String?,
            at: Timestamp
        ) {
            self.uuid = uuid
            self.pciAddress = pciAddress
            self.layout = layout
            self.isEnabled = isEnabled
            self.devices = devices
            self.isFailed = isFailed
            self.bootID = bootID
            self.moduleLoad = moduleLoad
            self.at = at
        }
    }

    package var gpus: [GPU]

    package init(gpus: [GPU]) { self.gpus = gpus }

    /// The layouts without those of the GPUs at these addresses.
    func without(_ addresses: [PCIAddress]) -> WantedMIGLayout {
        WantedMIGLayout(gpus: gpus.filter { !addresses.contains($0.pciAddress) })
    }
}
