import FoundationEssentials
package import NodeModel

/// Looks for packages for the build of kernel modules in the directory that `driver.source` names.
package struct BundleProbe: Sendable {
    private let root: HostRoot
    private let deadline: Duration
    /// The directory can be on a network file system that hangs, so the reads have a thread of their own.
    private static let queue = ReadQueue()

    package init(root: HostRoot, deadline: Duration = .seconds(10)) {
        self.root = root
        self.deadline = deadline
    }

    /// What matters of the index; other parts are for people.
    private struct Index: Decodable {
        var apiVersion: String
        var builds: [PackageBundle]?
    }

    /// The packages for a kernel of a host.
    ///
    /// - Returns: Absent when the directory has none for this kernel and this system. Unreadable when somebody other than
    ///   root can change the index: whoever can do that decides what root installs.
    package func bundle(in directory: String, for kernel: String, on host: HostFacts) async -> Reading<PackageBundle> {
        guard let path = HostPath(absolute: directory)?.appending("index.json") else { return .absent }
        let root = root
        return await Self.queue.read(path.text, within: deadline) {
            Self.index(root, path).flatMap { builds in
                guard let bundle = builds.first(where: { $0.isFor(kernel, on: host) }) else { return .absent }
                guard bundle.isSound else {
                    return .unreadable(ReadFailure(.malformed, "\(path): the packages for \(bundle.kernel)"))
                }
                return .present(bundle)
            }
        }
    }

    private static func index(_ root: HostRoot, _ path: HostPath) -> Reading<[PackageBundle]> {
        let bytes = reading { () throws(HostError) -> [UInt8]? in
            guard let status = try root.status(path) else { return nil }
            // Whoever can write to the directory can put another file in the place of this one at any moment.
            for (place, status) in [(path, status), (path.parent, try root.status(path.parent))] {
                guard let status else { return nil }
                guard status.owner == 0 else { throw .notOwn(place, why: "it belongs to user \(status.owner)") }
                guard status.mode & 0o022 == 0 else {
                    throw .notOwn(place, why: "users other than root can write to it")
                }
            }
            return try root.read(path, limit: 8 << 20)
        }
        return bytes.flatMap { bytes in
            do {
                let index = try JSONDecoder().decode(Index.self, from: Data(bytes))
                return index.apiVersion == NodeFacts.currentAPIVersion ? .present(index.builds ?? []) : .absent
            } catch { return .unreadable(ReadFailure(.malformed, "\(path) is not an index of packages")) }
        }
    }
}
