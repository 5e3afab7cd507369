package import Kubernetes
package import NodeModel
import Support

/// Reads the ResourceSlices of NVIDIA's driver for dynamic resource allocation on the agent's own node.
///
/// The daemon asks only while the node waits for them. It lists them, at first after some seconds and then about every
/// two minutes, and has no watch: 5000 nodes that wait make about 60 requests per second together.
package actor ResourceSliceReader {
    /// The versions of the API, the newest first.
    private static let versions = ["v1", "v1beta1"]
    /// The longest pause after the first request; it doubles with each further one.
    private static let firstPause = Duration.seconds(15)
    private static let longestPause = Duration.seconds(120)

    private let mirror: NodeMirror
    /// The version that the server has; nil before the first answer.
    private var version: String?
    private var last = Reading<OfferedSlices>.skipped("the ResourceSlices have not been read yet")
    private var pause: Duration
    private var notBefore: ContinuousClock.Instant?

    /// - Parameters:
    ///   - mirror: The agent's copy of its Node, which makes and counts the requests.
    ///   - firstPause: The longest pause after the first request; nil for the usual one.
    package init(mirror: NodeMirror, firstPause: Duration? = nil) {
        self.mirror = mirror
        pause = firstPause ?? Self.firstPause
    }

    /// The devices in the slices, from a request or from the last answer while it is too early for another request.
    package func offered() async -> Reading<OfferedSlices> {
        if let notBefore, .now < notBefore { return last }
        let answer = await read()
        guard !Task.isCancelled else { return answer.reading }
        last = answer.reading
        // Half of the pause is random, so that nodes that started together do not ask together.
        notBefore = .now + answer.delay + pause * Double.random(in: 0.5..<1)
        pause = min(pause * 2, Self.longestPause)
        return last
    }

    /// The time until the next request is possible.
    package var untilNext: Duration { notBefore.map { max(.zero, $0 - .now) } ?? .zero }

    /// Asks for the newest version of the API that the server has.
    private func read() async -> (reading: Reading<OfferedSlices>, delay: Duration) {
        for candidate in version.map({ [$0] }) ?? Self.versions {
            do throws(KubernetesError) {
                let slices = try await list(candidate)
                version = candidate
                return (OfferedSlices(slices).map { .present($0) } ?? .absent, .zero)
            } catch {
                if case .notFound = error { continue }
                return (.unreadable(ReadFailure(error)), min(error.retryAfter ?? .zero, Self.longestPause))
            }
        }
        // After an update of the server, it can have another version.
        version = nil
        let versions = Self.versions.joined(separator: " or ")
        let why = "the API server has no resourceslices in resource.k8s.io/\(versions)"
        return (.unreadable(ReadFailure(.io, why)), .zero)
    }

    private func list(_ version: String) async throws(KubernetesError) -> [ResourceSlice] {
        let node = mirror.node
        return try await mirror.request("list") { client throws(KubernetesError) in
            try await client.resourceSlices(of: OfferedSlices.driver, on: node, version: version)
        }
    }
}

extension OfferedSlices {
    /// Counts the devices of the newest generation of each pool; nil when the driver has no slice.
    ///
    /// Source: `ResourcePool` in the API of Kubernetes, and the devices of NVIDIA's DRA driver: the attribute `type` is
    /// `gpu`, `mig` or `vfio`.
    package init?(_ slices: [ResourceSlice]) {
        let ours = slices.filter { $0.driver == Self.driver }
        guard !ours.isEmpty else { return nil }
        self.init(gpus: 0)
        for (_, pool) in Dictionary(grouping: ours, by: \.pool) {
            let newest = pool.map(\.generation).max() ?? 0
            let current = pool.filter { $0.generation == newest }
            missingSlices += max(0, (current.map(\.sliceCount).max() ?? 0) - current.count)
            for device in current.flatMap(\.devices) {
                switch device.kind {
                case "gpu": gpus += 1
                case "mig": migDevices += 1
                default: break
                }
            }
        }
    }
}

extension ResourceSlice.Device {
    /// The type of the device, from its attribute or else from its name: `gpu-0`, `gpu-0-mig-…` or `gpu-vfio-0`.
    fileprivate var kind: String {
        if let type = attributes["type"] { return type }
        return name.contains("-mig-") ? "mig" : name.hasPrefix("gpu-vfio-") ? "vfio" : "gpu"
    }
}
