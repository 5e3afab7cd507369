import Catalog
import NodeModel

/// The host of a vGPU.
package struct VGPUHost: Sendable, Hashable {
    /// The major vGPU release; nil when the catalog does not know the branch of the host's driver.
    package var release: Int?
    /// How the release is known: `driver 595.58.03`, or `according to the catalog for azure`.
    package var source: String
    /// Whether the host itself reports its driver, in the configuration space of the vGPU.
    package var isReported: Bool

    package init(release: Int?, source: String, isReported: Bool) {
        self.release = release
        self.source = source
        self.isReported = isReported
    }

    /// The host according to the configuration space of a vGPU, or else according to the catalog.
    ///
    /// Nil when neither gives the release.
    init?(of gpu: PCIFunction, on platform: CatalogPlatform?, _ vgpuMajors: [Int: Int]) {
        if let host = gpu.vgpuCapability.value?.host {
            self.init(release: vgpuMajors[host.branch], source: host.source, isReported: true)
        } else if let platform, let release = platform.vgpuHosts[gpu.id.device] {
            self.init(release: release, source: "according to the catalog for \(platform.name)", isReported: false)
        } else {
            return nil
        }
    }
}

extension VGPUCapability {
    /// The branch of the host's driver, from its version or else from its branch (`r595_58`).
    fileprivate var host: (branch: Int, source: String)? {
        if let version = hostDriverVersion.flatMap(DriverVersion.init) { return (version.branch, "driver \(version)") }
        guard let text = hostDriverBranch, text.hasPrefix("r") else { return nil }
        let digits = text.dropFirst().prefix { $0.isASCII && $0.isNumber }
        return Int(digits).map { ($0, "driver branch \(text)") }
    }
}
