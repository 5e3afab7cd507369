/// What a daemon waits for before the node is ready: that something offers the GPUs to pods.
///
/// The facts have it only while a daemon waits, so the commands on the node say the same as the Node.
package struct OfferWait: Codable, Sendable, Equatable {
    /// NVIDIA's resources in `status.allocatable` of the Node; nil when the daemon does not wait for a device plugin.
    package var allocatable: Reading<[String: Int]>?
    /// The ResourceSlices of the node; nil when the daemon does not wait for them.
    package var slices: Reading<OfferedSlices>?

    package init(allocatable: Reading<[String: Int]>? = nil, slices: Reading<OfferedSlices>? = nil) {
        self.allocatable = allocatable
        self.slices = slices
    }
}

/// The devices in the ResourceSlices of NVIDIA's driver for dynamic resource allocation, of one node.
package struct OfferedSlices: Codable, Sendable, Equatable {
    /// The name of the driver in its ResourceSlices.
    package static let driver = "gpu.nvidia.com"

    /// The number of whole GPUs.
    package var gpus: Int
    /// The number of MIG devices, also of those that the driver could make.
    package var migDevices: Int
    /// How many slices of the newest generation of the pools are not there yet.
    package var missingSlices: Int

    package init(gpus: Int, migDevices: Int = 0, missingSlices: Int = 0) {
        self.gpus = gpus
        self.migDevices = migDevices
        self.missingSlices = missingSlices
    }
}
