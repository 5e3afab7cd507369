package import Catalog
package import NodeModel

/// Picks the newest driver of a catalog that fits a node.
package struct DriverChoice: Sendable {
    package var requirements: DriverRequirements
    package var policy: Policy
    /// The catalog's name of the cloud or hypervisor; nil when it is not known.
    package var platform: String?
    package var architecture: Architecture
    /// The running kernel; nil when it is not known.
    package var kernel: KernelVersion?
    package var system: OSRelease?
    /// The hosts of the node's vGPUs, as far as anything tells their release.
    package var vgpuHosts: [VGPUHost]
    /// The major vGPU release of each branch, as far as the catalog tells: 19 of branch 580.
    package var vgpuMajors: [Int: Int]

    package init(
        requirements: DriverRequirements,
        policy: Policy,
        platform: String?,
        architecture: Architecture,
        kernel: KernelVersion? = nil,
        system: OSRelease? = nil,
        vgpuHosts: [VGPUHost] = [],
        vgpuMajors: [Int: Int] = [:]
    ) {
        self.requirements = requirements
        self.policy = policy
        self.platform = platform
        self.architecture = architecture
        self.kernel = kernel
        self.system = system
        self.vgpuHosts = vgpuHosts
        self.vgpuMajors = vgpuMajors
    }

    /// The kernel module type to build for a driver that offers these; nil when none suits.
    package func kernelModuleType(among offered: [KernelModuleType]) -> KernelModuleType? {
        let possible = requirements.kernelModuleTypes.intersection(offered)
        if let wanted = policy.kernelModuleType { return possible.contains(wanted) ? wanted : nil }
        return possible.contains(.open) ? .open : possible.first
    }

    /// The drivers of the right kind, split into those that fit (newest first) and those that lose, with the reason.
    package func weigh(_ catalog: Catalog) -> (fitting: [CatalogDriver], rejected: [RejectedDriver]) {
        var fitting: [CatalogDriver] = []
        var rejected: [RejectedDriver] = []
        for driver in catalog.drivers where driver.kind == requirements.kind {
            if let reason = misfit(driver) {
                rejected.append(RejectedDriver(driver: driver.identity, reason: reason))
            } else {
                fitting.append(driver)
            }
        }
        return (fitting, rejected)
    }

    /// Why a driver does not fit; nil when it does.
    private func misfit(_ driver: CatalogDriver) -> String? {
        if driver.architecture != architecture {
            return "built for \(driver.architecture.rawValue), the node is \(architecture.rawValue)"
        }
        if let wanted = driver.platform, wanted != platform {
            return "licensed for \(wanted), the node runs on \(platform ?? "no known cloud")"
        }
        if let reason = misfit(driver.version, vgpuMajor: driver.vgpuMajor) { return reason }
        if let wanted = policy.channel, driver.channel != wanted {
            return "of channel \(driver.channel?.rawValue ?? "not known"), "
                + "the configuration asks for \(wanted.rawValue)"
        }
        if let kernels = driver.kernels, let kernel, !kernels.contains(kernel) {
            return "for kernels \(kernels), the node runs \(kernel)"
        }
        if !driver.systems.isEmpty, !(system.map { system in driver.systems.contains { $0.matches(system) } } ?? false)
        {
            let found = system.map { "\($0.id) \($0.versionID ?? "")" } ?? "an unknown system"
            return "for \(driver.systems.map(\.description).joined(separator: ", ")), the node runs \(found)"
        }
        if kernelModuleType(among: driver.kernelModuleTypes) == nil {
            let wanted = policy.kernelModuleType.map { "; the configuration asks for \($0.rawValue)" } ?? ""
            return
                "offers \(listed(driver.kernelModuleTypes)) modules, the GPUs take \(listed(requirements.kernelModuleTypes))\(wanted)"
        }
        return nil
    }

    /// Why a version is out of the limits of the GPUs, of a vGPU's host or of the policy; nil when it is within.
    ///
    /// Without `vgpuMajor`, for a driver that is there, the release of a GRID driver is that of its branch, and only what
    /// a host says itself counts: what the catalog says of a cloud's hosts makes no working driver unfit.
    package func misfit(_ version: DriverVersion, vgpuMajor: Int? = nil) -> String? {
        if let first = requirements.minBranch, version.branch < first {
            return "the GPUs need branch \(first) or newer"
        }
        if let last = requirements.maxBranch, version.branch > last {
            return "branch \(last) is the last that drives the GPUs"
        }
        if let wanted = policy.version, wanted != version { return "the configuration asks for version \(wanted)" }
        if let wanted = policy.branch, wanted != version.branch {
            return "the configuration asks for branch \(wanted)"
        }
        guard requirements.kind == .grid, let guest = vgpuMajor ?? vgpuMajors[version.branch] else { return nil }
        return vgpuHosts.lazy.filter { vgpuMajor != nil || $0.saysItself }.compactMap { misfit(guest, $0) }.first
    }

    /// A vGPU guest's driver must be of the host's vGPU release or of the one before it.
    private func misfit(_ guest: Int, _ host: VGPUHost) -> String? {
        guard let release = host.release, guest != release, guest != release - 1 else { return nil }
        return "vGPU release \(guest) does not go with the host's \(release) (\(host.source))"
    }
}

extension Catalog {
    /// The major vGPU release of each branch that has a GRID driver here.
    package var vgpuMajors: [Int: Int] {
        Dictionary(drivers.compactMap { driver in driver.vgpuMajor.map { (driver.version.branch, $0) } }) {
            max($0, $1)
        }
    }
}

extension CatalogDriver {
    /// 20 of vGPU release `20.2`.
    var vgpuMajor: Int? {
        vgpuRelease.flatMap { $0.split(separator: ".").first }.flatMap { Int($0) }
    }
}
