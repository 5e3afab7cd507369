import Catalog
import NodeModel

/// The host of a vGPU.
package struct VGPUHost: Sendable, Hashable {
    /// The major vGPU release; nil where the host's driver is of a branch that the catalog does not know.
    package var release: Int?
    /// What tells it: `driver 595.58.03`, `as platform azure runs them`.
    package var source: String
    /// Whether the host says it itself, in the vGPU's configuration space.
    package var saysItself: Bool

    package init(release: Int?, source: String, saysItself: Bool) {
        self.release = release
        self.source = source
        self.saysItself = saysItself
    }

    /// What a vGPU's configuration space says of its host, or else what the catalog says of this cloud's hosts.
    ///
    /// Nil when neither says anything.
    init?(of gpu: PCIFunction, on platform: CatalogPlatform?, _ vgpuMajors: [Int: Int]) {
        if let host = gpu.vgpuCapability.value?.host {
            self.init(release: vgpuMajors[host.branch], source: host.words, saysItself: true)
        } else if let platform, let release = platform.vgpuHosts[gpu.id.device] {
            self.init(release: release, source: "as platform \(platform.name) runs them", saysItself: false)
        } else {
            return nil
        }
    }
}

extension VGPUCapability {
    /// The branch of the host's driver, by its version or else by its branch (`r595_58`).
    fileprivate var host: (branch: Int, words: String)? {
        if let version = hostDriverVersion.flatMap(DriverVersion.init) { return (version.branch, "driver \(version)") }
        guard let text = hostDriverBranch, text.hasPrefix("r") else { return nil }
        let digits = text.dropFirst().prefix { $0.isASCII && $0.isNumber }
        return Int(digits).map { ($0, "driver branch \(text)") }
    }
}
