import Catalog
import NodeModel

/// Decides whether the agent installs NVIDIA's package or the packages of the distribution.
struct ModuleSource {
    /// Where the driver comes from, and why.
    enum Answer {
        case runfile([Evidence])
        case packages(PrebuiltDriver, [Evidence])
        case blocked(Finding, owner: DriverOwner?)
        /// The packages matter, and the package manager does not know them yet. The finding says so.
        case unread(Finding)
    }

    var facts: NodeFacts
    var choice: DriverChoice

    private var kernel: String { facts.host.kernelRelease.value ?? "" }
    private var known: (any PrebuiltDistribution)? { PrebuiltDistributions.known(on: facts.host.osRelease.value) }
    private var refreshCommand: String { known?.refreshCommand ?? "apt-get update" }
    private var wish: PrebuiltWish { choice.policy.prebuiltWish(needsSignedModules: facts.needsSignedModules) }

    /// Decides for a node on which the agent installs or replaces a driver.
    ///
    /// - Parameters:
    ///   - wanted: The driver of the catalog that the agent would install; nil when none fits.
    ///   - fitting: All drivers of the catalog that fit.
    /// - Returns: The source with its evidence, or the problem that there is none.
    func answer(wanted: CatalogDriver?, fitting: [CatalogDriver]) -> Answer {
        if let own { return keep(own, wanted: wanted) }
        guard wish != .never else { return .runfile([]) }
        if let unread = unreadIndex { return .unread(missing(unread)) }
        if let none = whyNone(wanted, fitting) { return without(none) }
        guard let driver = best(wanted, fitting) else { return without(nothingOffered(wanted)) }
        return .packages(driver, [evidence(driver)])
    }

    // The driver that this agent installed

    /// The record of a driver of this agent that is on the host, completely or in part.
    private var own: InstallRecord? {
        guard let record = facts.driver.record.value else { return nil }
        let hasFiles = facts.driver.sources.contains { record.owns($0.version) }
        let hasPackages =
            record.packages != nil && record.state != .started && facts.claims.packages.value?.isEmpty == false
        return hasFiles || hasPackages ? record : nil
    }

    /// Keeps the source of the installed driver: two sources on one host would overwrite each other's files.
    ///
    /// A driver from packages also gets modules for another kernel, but no other version.
    private func keep(_ record: InstallRecord, wanted: CatalogDriver?) -> Answer {
        let version = (record.state == .started ? record.replaces : record.version) ?? record.version
        let remedy = "'gpu-agent uninstall' and then 'gpu-agent install' change the source."
        guard record.packages != nil else {
            guard wish != .never else { return .runfile([]) }
            let statement =
                "This agent installed driver \(version) from NVIDIA's package, and keeps this source. \(remedy)"
            return .runfile([Evidence(.installed, "journal", statement)])
        }
        let same = drivers.first {
            $0.version.description == version && $0.kernelModuleType == record.kernelModuleType
                && choice.misfit($0.version) == nil && choice.kernelModuleType(among: [$0.kernelModuleType]) != nil
        }
        if let same {
            let statement =
                "This agent installed driver \(version) from packages of the distribution, and keeps this source."
            return .packages(same, [Evidence(.installed, "journal", statement)])
        }
        let needed =
            known?.modulePackage(branch: nil, version: DriverVersion(version), record.kernelModuleType, kernel: kernel)
            ?? "the modules for this kernel"
        let why =
            facts.build.prebuiltPackages.whyUnknown.map {
                " (the agent does not know what the repositories have: \($0))"
            } ?? ""
        let finding = Finding(
            .driverSourceChange,
            observed:
                "This agent installed driver \(version) from packages of the distribution. It does not fit, or no known "
                + "repository has its modules for the kernel \(kernel). The agent does not replace it in place.",
            expected: "a driver that fits, or \(needed) of version \(version) in a repository of the node\(why)",
            remedy:
                "Run '\(refreshCommand)' on the node, and then 'gpu-agent install'. If the finding stays, drain the node, "
                + "and run 'gpu-agent uninstall' and then 'gpu-agent install' on it."
        )
        return .blocked(finding, owner: .gpuAgent)
    }

    // A new driver

    /// The drivers whose modules the kernel certainly accepts.
    private var drivers: [PrebuiltDriver] { offered.filter { $0.isTrusted || !isPicky } }

    private var offered: [PrebuiltDriver] {
        guard let known, let system = facts.host.osRelease.value else { return [] }
        return known.drivers(facts.build.prebuiltPackages.value ?? [], kernel: kernel, on: system)
    }

    /// Whether the kernel refuses modules that are signed with a key that it does not trust, or may refuse them.
    private var isPicky: Bool { ModuleSignaturePolicy(facts.host) != .notRequired }

    /// The driver of the wanted branch, or else the newest one when only packages help.
    private func best(_ wanted: CatalogDriver?, _ fitting: [CatalogDriver]) -> PrebuiltDriver? {
        let branches = Set(fitting.map(\.version.branch))
        let usable = drivers.filter { driver in
            choice.misfit(driver.version) == nil
                // Only the catalog knows the channel of a branch.
                && (choice.policy.channel == nil || branches.contains(driver.version.branch))
        }
        let ofWanted = usable.filter { $0.version.branch == wanted?.version.branch }
        if let driver = ofType(ofWanted) { return driver }
        return wish == .always || facts.needsSignedModules ? ofType(usable) : nil
    }

    /// The newest driver with a kernel module type that fits.
    private func ofType(_ drivers: [PrebuiltDriver]) -> PrebuiltDriver? {
        drivers.first { driver in
            let types = drivers.filter { $0.version == driver.version }.map(\.kernelModuleType)
            return choice.kernelModuleType(among: types) == driver.kernelModuleType
        }
    }

    /// Why the agent does not know the packages without which the node gets no driver, as sentences; nil when it knows
    /// them or does not need them.
    ///
    /// The images of many clouds come without an index. A host with a part of a driver is left as it is.
    private var unreadIndex: String? {
        guard wish == .always || facts.needsSignedModules, choice.requirements.kind == .datacenter, known != nil,
            facts.driver.sources.isEmpty, let failure = facts.build.prebuiltPackages.failure, failure.reason == .command
        else { return nil }
        let why = facts.signatureReason.map { "The kernel needs signed modules: \($0). " } ?? ""
        return
            "\(why)The agent cannot tell which prebuilt modules the repositories of the node have: \(failure.detail)."
    }

    /// Why no packages can be used, as a sentence; nil when the repositories can have some.
    private func whyNone(_ wanted: CatalogDriver?, _ fitting: [CatalogDriver]) -> String? {
        guard choice.requirements.kind == .datacenter else {
            return "No distribution has packages with prebuilt modules of GRID drivers."
        }
        guard known != nil else {
            let name = facts.host.osRelease.value.map { $0.prettyName ?? $0.id } ?? "an unknown system"
            return "The agent knows no packages with prebuilt modules for \(name)."
        }
        return facts.build.prebuiltPackages.whyUnknown.map {
            "The agent cannot tell which prebuilt modules the repositories of the node have: \($0)."
        }
    }

    private func nothingOffered(_ wanted: CatalogDriver?) -> String {
        let types = choice.kernelModuleType(among: wanted?.kernelModuleTypes ?? KernelModuleType.allCases)
        let package = known?.modulePackage(
            branch: wanted?.version.branch ?? choice.policy.branch,
            version: nil,
            types ?? .open,
            kernel: kernel
        )
        if isPicky, let refused = offered.first(where: { !$0.isTrusted }) {
            return
                "The repositories of the node offer \(refused.packages.first?.name ?? "modules"), but the kernel refuses, or may refuse, "
                + "the key with which these modules are signed."
        }
        return "No repository of the node offers \(package ?? "such packages")"
            + (wish == .always || facts.needsSignedModules ? ", nor the modules of another branch that fits." : ".")
    }

    /// The answer when there are no packages.
    private func without(_ why: String) -> Answer {
        guard wish == .always else {
            return .runfile([Evidence(.catalog, "packages", "\(why) So the driver comes from NVIDIA's package.")])
        }
        return .blocked(missing(why), owner: nil)
    }

    /// The finding that the repositories have no modules, or that the agent does not know them.
    private func missing(_ why: String) -> Finding {
        Finding(
            .prebuiltModulesMissing,
            observed: why,
            expected:
                "signed kernel modules of a datacenter driver for the kernel \(kernel), in a repository of the node",
            remedy: Remedy(
                "Run '\(refreshCommand)' on the node, or use a kernel for which the distribution has this package. Or "
                    + (wish == .always
                        ? "set 'driver.source' to 'auto' or 'runfile' in the configuration."
                        : "configure a key of your own (driver.signing), so that the agent signs the modules.")
                    + (known.map { $0.hint.isEmpty ? "" : " \($0.hint)" } ?? "")
            )
        )
    }

    private func evidence(_ driver: PrebuiltDriver) -> Evidence {
        let modules = driver.packages.first?.name ?? ""
        let why =
            choice.policy.source == .packages
            ? "the configuration asks for packages (driver.source)"
            : facts.signatureReason ?? "the configuration prefers packages (driver.source)"
        return Evidence(
            .catalog,
            "packages",
            "A repository of the node offers \(modules) with driver \(driver.version), and \(why). The modules "
                + (driver.isTrusted ? "are signed and need no build." : "need no build.")
        )
    }
}
