/// How NVIDIA's device plugin shares its devices among pods, from its configuration file.
///
/// Source: `api/config/v1/sharing.go` and `replicas.go` in NVIDIA/k8s-device-plugin.
package struct DeviceSharing: Codable, Sendable, Equatable {
    /// The way of sharing, by the name that GPU feature discovery gives to it.
    package enum Strategy: String, Codable, Sendable {
        case unshared = "none"
        case timeSlicing = "time-slicing"
        case mps
    }

    package var strategy: Strategy
    /// How often each device of a resource is offered, by the name of the resource, such as `nvidia.com/gpu`.
    package var replicas: [String: Int]
    /// Whether shared resources get another name (`renameByDefault`), such as `nvidia.com/gpu.shared`.
    package var isRenamed: Bool

    /// No pod shares a device.
    package static let off = DeviceSharing(strategy: .unshared)
    /// The most copies of a device and the most resources that are believed.
    package static let limit = 10_000

    package init(strategy: Strategy, replicas: [String: Int] = [:], isRenamed: Bool = false) {
        self.strategy = strategy
        self.replicas = replicas
        self.isRenamed = isRenamed
    }

    /// How often each device of the resource is offered: 1 when the file does not name it.
    package func replicas(of resource: String) -> Int { replicas[resource] ?? 1 }
}
