package import Support

/// Reads which MIG instances the loaded driver offers, from the file system of the kernel.
///
/// It opens no device and calls no library of the driver, so it costs little and cannot hang with a GPU.
package struct MIGInstanceProbe: Sendable {
    private let root: HostRoot

    /// The most instances that are read: a GPU has at most 7 GPU instances with 7 compute instances each.
    private static let limit = 2000

    package init(root: HostRoot) {
        self.root = root
    }

    /// A checksum of the names of all instances, such as `gpu0/mig/gi1/ci0`.
    ///
    /// It changes when an instance is created or removed. An instance that another one with its number replaced leaves it
    /// the same.
    ///
    /// - Returns: The checksum, which is that of an empty list on a host without the driver and without MIG.
    package func digest() throws(HostError) -> Checksum {
        let base: HostPath = "/proc/driver/nvidia/capabilities"
        var names: [String] = []
        for gpu in try root.list(base) ?? [] where gpu.hasPrefix("gpu") {
            let mig = try base.entry(gpu).appending("mig")
            for instance in try root.list(mig) ?? [] where instance.hasPrefix("gi") && names.count < Self.limit {
                names.append("\(gpu)/mig/\(instance)")
                // An instance can go between two reads.
                for compute in try root.list(mig.entry(instance)) ?? [] where compute.hasPrefix("ci") {
                    names.append("\(gpu)/mig/\(instance)/\(compute)")
                }
            }
        }
        return .sha256(of: Array(names.prefix(Self.limit).joined(separator: "\n").utf8))
    }
}
