package import Catalog
package import NodeModel

/// Decides which drivers fit a node.
package struct DriverChoice: Sendable {
    /// What the GPUs need.
    package var requirements: DriverRequirements
    /// What the configuration asks for.
    package var policy: Policy
    /// The catalog's name of the cloud or hypervisor; nil when it is not known.
    package var platform: String?
    package var architecture: Architecture
    /// The running kernel; nil when it is not known.
    package var kernel: KernelVersion?
    /// The operating system; nil when it is not known.
    package var system: OSRelease?
    /// The hosts of the node's vGPUs whose vGPU release is known.
    package var vgpuHosts: [VGPUHost]
    /// The major vGPU release of each branch in the catalog, such as 19 for branch 580.
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

    /// The kernel module type to install from a package that contains these; nil when none fits.
    package func kernelModuleType(among offered: [KernelModuleType]) -> KernelModuleType? {
        let possible = requirements.kernelModuleTypes.intersection(offered)
        if let wanted = policy.kernelModuleType { return possible.contains(wanted) ? wanted : nil }
        return possible.contains(.open) ? .open : possible.first
    }

    /// Sorts the drivers of the right kind into those that fit, newest first, and those that do not, with the reason.
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

    /// Why a driver does not fit, as a lower-case clause; nil when it fits.
    private func misfit(_ driver: CatalogDriver) -> String? {
        if driver.architecture != architecture {
            return "the package is for \(driver.architecture.rawValue), but this node is \(architecture.rawValue)"
        }
        if let wanted = driver.platform, wanted != platform {
            return "the license is for \(wanted), but this node runs on \(platform ?? "an unknown platform")"
        }
        if let reason = misfit(driver.version, vgpuMajor: driver.vgpuMajor) { return reason }
        if let wanted = policy.channel, driver.channel != wanted {
            return "the channel is \(driver.channel?.rawValue ?? "not known"), "
                + "but the configuration asks for \(wanted.rawValue)"
        }
        if let kernels = driver.kernels, let kernel, !kernels.contains(kernel) {
            return "the driver supports kernels \(kernels), but this node runs \(kernel)"
        }
        if !driver.systems.isEmpty, !(system.map { system in driver.systems.contains { $0.matches(system) } } ?? false)
        {
            let found = system.map { "\($0.id) \($0.versionID ?? "")" } ?? "an unknown operating system"
            let systems = driver.systems.map(\.description).joined(separator: ", ")
            return "the driver supports \(systems), but this node runs \(found)"
        }
        if kernelModuleType(among: driver.kernelModuleTypes) == nil {
            let wanted = policy.kernelModuleType.map { ", and the configuration asks for \($0.rawValue) ones" } ?? ""
            return "the package has \(listed(driver.kernelModuleTypes)) kernel modules, but these GPUs need "
                + "\(listed(requirements.kernelModuleTypes)) ones\(wanted)"
        }
        return nil
    }

    /// Checks a driver version against the GPUs, the vGPU hosts and the policy.
    ///
    /// - Parameters:
    ///   - version: The version of a driver in the catalog or on the host.
    ///   - vgpuMajor: The vGPU release of a driver in the catalog. Without it, the driver is one on the host. Its vGPU
    ///     release is then that of its branch, and only hosts that report their release count: a driver that works must
    ///     not become unfit because of what the catalog says about the hosts of a cloud.
    /// - Returns: Why the version does not fit, as a lower-case clause; nil when it fits.
    package func misfit(_ version: DriverVersion, vgpuMajor: Int? = nil) -> String? {
        if let first = requirements.minBranch, version.branch < first {
            return "these GPUs need branch \(first) or newer"
        }
        if let last = requirements.maxBranch, version.branch > last {
            return "branch \(last) is the last branch that supports these GPUs"
        }
        if let wanted = policy.version, wanted != version { return "the configuration asks for version \(wanted)" }
        if let wanted = policy.branch, wanted != version.branch {
            return "the configuration asks for branch \(wanted)"
        }
        guard requirements.kind == .grid, let guest = vgpuMajor ?? vgpuMajors[version.branch] else { return nil }
        return vgpuHosts.lazy.filter { vgpuMajor != nil || $0.isReported }.compactMap { misfit(guest, $0) }.first
    }

    /// Why the vGPU release of a guest does not work with that of the host; nil when it does.
    ///
    /// The guest needs the release of the host or the release before it.
    private func misfit(_ guest: Int, _ host: VGPUHost) -> String? {
        guard let release = host.release, guest != release, guest != release - 1 else { return nil }
        return
            "the vGPU host runs release \(release) (\(host.source)), which does not support guests of release \(guest)"
    }
}

extension Catalog {
    /// The major vGPU release of each branch that has a GRID driver in this catalog.
    package var vgpuMajors: [Int: Int] {
        Dictionary(drivers.compactMap { driver in driver.vgpuMajor.map { (driver.version.branch, $0) } }) {
            max($0, $1)
        }
    }
}

extension CatalogDriver {
    /// The major number of the vGPU release: 20 for release `20.2`.
    var vgpuMajor: Int? {
        vgpuRelease.flatMap { $0.split(separator: ".").first }.flatMap { Int($0) }
    }
}
