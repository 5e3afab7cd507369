import Catalog
import FoundationEssentials
import Host
package import NodeModel
package import Support

/// The list of the driver packages in a directory that `catalog mirror` filled: `index.json`.
///
/// The command writes it last. An install does not need it, because the catalog has the checksums.
package struct PackageIndex: Codable, Sendable, Equatable {
    package struct Package: Codable, Sendable, Equatable {
        /// The identity of the driver in the catalog, such as `datacenter-595.71.05-x86_64`.
        package var driver: String
        package var fileName: String
        package var digest: Checksum
        /// The size in bytes.
        package var size: Int
        /// `fabric-manager` for the archive with the fabric manager of the driver; nil for the driver itself.
        package var part: String?

        package init(driver: String, fileName: String, digest: Checksum, size: Int, part: String? = nil) {
            self.driver = driver
            self.fileName = fileName
            self.digest = digest
            self.size = size
            self.part = part
        }

        /// The value of `part` for a fabric manager.
        package static let fabricManager = "fabric-manager"
    }

    package var apiVersion: String
    package var kind: String
    /// The packages, by driver.
    package var packages: [Package]
    /// The packages for the build of kernel modules, by kernel; nil when there are none.
    package var builds: [PackageBundle]?

    package init(packages: [Package], builds: [PackageBundle]? = nil) {
        apiVersion = NodeFacts.currentAPIVersion
        kind = "PackageIndex"
        self.packages = packages
        self.builds = builds
    }

    package static let fileName = "index.json"

    /// The size of all packages in bytes.
    package var size: Int {
        Dictionary(packages.map { ($0.fileName, $0.size) }) { first, _ in first }.values.reduce(0, +)
            + (builds ?? []).reduce(0) { $0 + $1.size }
    }

    /// Adds the packages of an earlier index whose files are still there and belong to other drivers.
    mutating func keep(_ earlier: PackageIndex, in directory: BundleDirectory) {
        let names = Set(packages.map(\.fileName))
        let drivers = Set(packages.map(\.driver))
        packages += earlier.packages.filter { package in
            !names.contains(package.fileName) && !drivers.contains(package.driver)
                && directory.size(of: package.fileName) == package.size
        }
        packages.sort { $0.driver < $1.driver }
        let kernels = Set((builds ?? []).map(\.kernel))
        let kept = (earlier.builds ?? []).filter { $0.isSound && !kernels.contains($0.kernel) }
        let all = (builds ?? []) + kept
        builds = all.isEmpty ? nil : all.sorted { $0.kernel < $1.kernel }
    }

    /// The index in a directory; nil when there is none that this version can read.
    static func load(from directory: BundleDirectory) throws(DownloadError) -> PackageIndex? {
        guard let bytes = try directory.read(fileName, limit: 8 << 20),
            let index = try? JSONDecoder().decode(PackageIndex.self, from: Data(bytes)),
            index.apiVersion == NodeFacts.currentAPIVersion, index.kind == "PackageIndex"
        else { return nil }
        return index
    }
}
