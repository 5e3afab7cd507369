/// Picks the newest driver of a catalog that fits.
package struct DriverChoice: Sendable {
    package var requirements: DriverRequirements
    package var policy: Policy
    package var platform: String?
    package var architecture: Architecture
    /// The driver versions that vGPU hosts report in configuration space; empty when none does.
    package var hostDriverVersions: [DriverVersion]

    package init(
        requirements: DriverRequirements,
        policy: Policy,
        platform: String?,
        architecture: Architecture,
        hostDriverVersions: [DriverVersion] = []
    ) {
        self.requirements = requirements
        self.policy = policy
        self.platform = platform
        self.architecture = architecture
        self.hostDriverVersions = hostDriverVersions
    }

    /// The flavour to build for a driver that offers these; nil when none suits.
    package func flavour(among offered: [ModuleFlavour]) -> ModuleFlavour? {
        let possible = requirements.flavours.intersection(offered)
        if let wanted = policy.flavour { return possible.contains(wanted) ? wanted : nil }
        return possible.contains(.open) ? .open : possible.first
    }

    /// The drivers of the right kind, split into those that fit (newest first) and those that lose, with the reason.
    package func weigh(_ catalog: Catalog) -> (fitting: [CatalogDriver], rejected: [RejectedDriver]) {
        var fitting: [CatalogDriver] = []
        var rejected: [RejectedDriver] = []
        for driver in catalog.drivers where driver.kind == requirements.kind {
            if let reason = misfit(driver, in: catalog) {
                rejected.append(RejectedDriver(driver: driver.identity, reason: reason))
            } else {
                fitting.append(driver)
            }
        }
        return (fitting, rejected)
    }

    /// Why a driver does not fit; nil when it does.
    private func misfit(_ driver: CatalogDriver, in catalog: Catalog) -> String? {
        if driver.architecture != architecture {
            return "built for \(driver.architecture.rawValue), the node is \(architecture.rawValue)"
        }
        if let wanted = driver.platform, wanted != platform {
            return "licensed for \(wanted), the node runs on \(platform ?? "no known cloud")"
        }
        if let reason = misfit(driver.version) { return reason }
        if flavour(among: driver.flavours) == nil {
            let wanted = policy.flavour.map { "; the configuration asks for \($0.rawValue)" } ?? ""
            return "offers \(listed(driver.flavours)) modules, the GPUs take \(listed(requirements.flavours))\(wanted)"
        }
        return hostDriverVersions.lazy.compactMap { misfit(driver, host: $0, in: catalog) }.first
    }

    /// Why a version is out of the limits of the GPUs or of the policy; nil when it is within.
    package func misfit(_ version: DriverVersion) -> String? {
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
        return nil
    }

    /// A vGPU guest's driver must be of the host's vGPU release or of the one before it.
    private func misfit(_ driver: CatalogDriver, host: DriverVersion, in catalog: Catalog) -> String? {
        guard let guest = driver.vgpuMajor,
            let hostMajor = catalog.drivers.lazy.filter({ $0.version.branch == host.branch }).compactMap(\.vgpuMajor)
                .first
        else { return nil }
        guard guest == hostMajor || guest == hostMajor - 1 else {
            return "vGPU release \(guest) does not go with the host's \(hostMajor) (driver \(host))"
        }
        return nil
    }
}

extension CatalogDriver {
    /// 20 of vGPU release `20.2`.
    var vgpuMajor: Int? {
        vgpuRelease.flatMap { $0.split(separator: ".").first }.flatMap { Int($0) }
    }
}

/// Names in a sentence: `open, proprietary`.
func listed(_ flavours: some Sequence<ModuleFlavour>) -> String {
    flavours.map(\.rawValue).sorted().joined(separator: ", ")
}
