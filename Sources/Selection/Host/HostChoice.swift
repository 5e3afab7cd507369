import Catalog
import NodeModel
import Support

/// Decides between the driver on the host and a driver of the catalog.
struct HostChoice {
    var facts: NodeFacts
    var choice: DriverChoice
    var offer: CatalogOffer
    /// All drivers of the catalog, among which the former driver of the agent may be.
    var drivers: [CatalogDriver] = []

    /// Adopts a driver that fits.
    ///
    /// Installs one when the host has none, or when the agent's own driver does not fit. Removes a driver of another
    /// owner only when the configuration allows it.
    func decide() -> Decision {
        switch facts.driver.installed {
        case .none:
            let record = facts.driver.record.value
            if record?.state == .changing, record?.takesOver != nil || record?.packages != nil {
                // A removal that failed is repeated, before anything is installed. Packages can be there in part.
                return finish("The agent's own install is not finished.")
            }
            if let owner = facts.incompleteDriver {
                let situation = "Parts of a driver are installed, but its kernel module and its libraries are missing."
                return choice.policy.takeover ? takeOver(owner, situation) : foreign(owner, situation)
            }
            return install(because: Evidence(.installed, "host", "No NVIDIA driver is installed on this host."))
        case .unreadable(let why):
            if leftDamagedFiles {
                return finish("The agent's own install is not finished, and it left damaged files.")
            }
            let problem = Finding(
                .driverUnreadable,
                observed: "The agent cannot tell whether a driver is installed: \(why.joined(separator: "; ")).",
                expected: "readable files that show whether a driver is installed",
                remedy: .reading(facts.driver.sourceFailure)
            )
            return .blocked([problem], "the agent cannot tell whether a driver is installed")
        case .split(let sources):
            return decide(split: sources)
        case .single(let driver):
            return decide(single: driver)
        }
    }

    /// Whether the agent's own install did not end and left damaged files, as after a power failure.
    ///
    /// Files of a driver that may have another owner are not the agent's to replace.
    private var leftDamagedFiles: Bool {
        guard let record = facts.driver.record.value, record.state == .changing, facts.driver.isDamaged else {
            return false
        }
        guard record.takesOver == nil else { return true }
        return facts.incompleteDriver == nil
            && facts.driver.sources.allSatisfy { facts.owner(ofVersion: $0.version).owner == .gpuAgent }
    }

    private func decide(split sources: [DriverSource]) -> Decision {
        // With the name of the check, this fits two lines of 80 columns. The owners are in the evidence.
        let list = sources.summary(within: 105)
        let record = facts.driver.record.value
        guard record?.state != .changing else { return finish("The agent's own install is not finished: \(list).") }
        let versions = Set(sources.map(\.version)).sorted()
        let owners = versions.map { facts.owner(ofVersion: $0) }
        // The driver to keep is the agent's own, or else the only one that may fit.
        let own = versions.first { record?.owns($0) == true }
        let fitting = versions.filter(mayFit)
        let keep = own ?? (fitting.count == 1 ? fitting.first : nil)
        let problem = Finding(
            .driverVersionSplit,
            observed: list,
            expected: "one driver version on the host",
            remedy: facts.driver.versionAfterBoot.map {
                "Reboot the node: driver \($0) is fully installed on the disk, but another version is still loaded."
            } ?? "Remove \(keep.map { "every driver except \($0)" } ?? "all drivers except one that fits"), then "
                + "reboot the node. Or replace the node."
        )
        return Decision(
            action: .blocked,
            summary: "the host has parts of different drivers",
            evidence: zip(versions, owners).map { version, claim in
                Evidence(.owner, claim.source, "Driver \(version) belongs to \(claim.owner.displayName).")
            } + marker,
            problems: [problem]
        )
    }

    /// Whether the driver of this version fits, as far as the agent knows.
    private func mayFit(_ version: String) -> Bool {
        if let kind = facts.installedKind(ofVersion: version)?.kind, kind != choice.requirements.kind { return false }
        return DriverVersion(version).map { choice.misfit($0) == nil } ?? false
    }

    /// The driver version that the AKS node image names, which shows where one of several drivers comes from.
    private var marker: [Evidence] {
        facts.claims.aksMarker.value?.version.map {
            [Evidence(.owner, "node image", "The AKS node image names driver \($0).")]
        } ?? []
    }

    private func decide(single driver: SingleDriver) -> Decision {
        let record = facts.driver.record.value
        let claim = facts.owner(ofVersion: driver.version)
        let ours = claim.owner == .gpuAgent
        if record?.state == .changing, ours || record?.takesOver != nil {
            return finish("The agent's own install is not finished.")
        }
        guard let misfit = misfit(driver) else {
            guard let version = DriverVersion(driver.version), let kernelModuleType = driver.kernelModuleType else {
                let unknown = "its version or its kernel module type is not known"
                return foreign(claim, "Driver \(driver.version) is installed, but \(unknown).")
            }
            let target = DriverTarget(
                kind: facts.installedKind(ofVersion: driver.version)?.kind ?? choice.requirements.kind,
                version: version,
                kernelModuleType: kernelModuleType
            )
            // Without its record, the agent cannot tell its own driver from one of an unknown owner.
            let owner = ours || facts.driver.record.whyUnknown == nil ? claim.owner : nil
            let sources = driver.sources.map(\.description).joined(separator: ", ")
            return Decision(
                action: .adopt,
                driver: target,
                owner: owner,
                summary: ours
                    ? "keep the \(target) that this agent installed"
                    : "adopt the \(target), which belongs to \(owner?.displayName ?? "an unknown owner")",
                evidence: [Evidence(.installed, "host", "The host has a driver: \(sources)."), claim.evidence]
                    + facts.otherVersions(beside: driver.version)
            )
        }
        guard !ours else {
            let statement = "The agent installed driver \(driver.version), but \(misfit.reason)."
            let change = install(because: Evidence(.installed, "host", statement))
            return facts.driver.isLoaded ? postponed(change, from: driver) : change
        }
        let situation = "Driver \(driver.version) is installed, but \(misfit.reason)."
        return choice.policy.takeover ? takeOver(claim, situation) : foreign(claim, situation, remedy: misfit.remedy)
    }

    /// Why the installed driver does not fit, as a lower-case clause, and what else an operator can do about it; nil
    /// when it fits.
    private func misfit(_ driver: SingleDriver) -> (reason: String, remedy: String?)? {
        if driver.hasModule || facts.driver.nvmlLibrary.isAbsent || facts.driver.cudaLibrary.isAbsent {
            let reasons = misfitsOfBuiltDriver(driver)
            return reasons.isEmpty ? nil : (reasons.joined(separator: ", and "), nil)
        }
        let kernel = facts.host.kernelRelease.value.map { " \($0)" } ?? ""
        let other = if case .absentBecause(let why) = facts.driver.moduleFile { ": \(why)" } else { "" }
        let noModule = "it has no kernel module for the running kernel\(kernel)\(other)"
        let others = [misfitOfKind(driver), DriverVersion(driver.version).flatMap { choice.misfit($0) }].compactMap(
            \.self
        )
        // A module of a driver that does not fit is of no use, and nothing can be built in an immutable system.
        guard others.isEmpty, ImmutableSystem(facts.host) == nil else {
            return (([noModule] + others).joined(separator: ", and "), nil)
        }
        return (
            noModule,
            "Install the headers of the running kernel, which the build needs, and run 'dkms autoinstall' to build the "
                + "module. "
        )
    }

    /// All reasons why the driver does not fit, so that the operator replaces it only once.
    private func misfitsOfBuiltDriver(_ driver: SingleDriver) -> [String] {
        guard let version = DriverVersion(driver.version) else {
            return ["'\(driver.version)' is not a driver version"]
        }
        let libraries = [
            (facts.driver.nvmlLibrary, "libnvidia-ml.so.1"), (facts.driver.cudaLibrary, "libcuda.so.1"),
        ]
        let missing = libraries.filter { $0.0.isAbsent }.map(\.1)
        let parts =
            missing.isEmpty ? nil : "\(missing.joined(separator: " and ")) \(missing.count > 1 ? "are" : "is") missing"
        return [parts, misfitOfKind(driver), choice.misfit(version), misfitOfModule(driver)].compactMap(\.self)
    }

    private func misfitOfKind(_ driver: SingleDriver) -> String? {
        if let kind = facts.installedKind(ofVersion: driver.version), kind.kind != choice.requirements.kind,
            !isLicensedAndWorks(driver.version)
        {
            return "it is a \(kind.kind.displayName) driver (\(kind.why)), "
                + "and these GPUs need a \(choice.requirements.kind.displayName) driver"
        }
        return nil
    }

    private func misfitOfModule(_ driver: SingleDriver) -> String? {
        guard let kernelModuleType = driver.kernelModuleType else { return "its kernel module type is not known" }
        guard choice.kernelModuleType(among: [kernelModuleType]) != nil else {
            let wanted =
                choice.policy.kernelModuleType.map { "the configuration asks for \($0.rawValue)" }
                ?? "these GPUs need \(listed(choice.requirements.kernelModuleTypes))"
            return "\(wanted) kernel modules, not \(kernelModuleType.rawValue) ones"
        }
        return nil
    }

    /// Whether a GRID driver, where a datacenter driver is enough, has its license and runs CUDA.
    private func isLicensedAndWorks(_ version: String) -> Bool {
        choice.requirements.kind == .datacenter && facts.works(ofVersion: version)
            && (facts.vendor.value?.nvml.value?.gpus ?? []).allSatisfy { $0.license.value?.licensed == true }
    }

    /// Continues the install that the agent's journal records.
    private func finish(_ why: String) -> Decision {
        var decision = install(because: Evidence(.installed, "host", why))
        if decision.action == .install { decision.takesOver = facts.driver.record.value?.takesOver }
        return decision
    }

    /// Leaves the driver of another owner alone, and blocks.
    ///
    /// - Parameters:
    ///   - claim: The owner.
    ///   - situation: What is on the host, as a sentence.
    ///   - remedy: A further remedy, as a sentence that ends with a space.
    /// - Returns: A decision with the finding `foreign-driver`.
    func foreign(_ claim: OwnerClaim, _ situation: String, remedy: String? = nil) -> Decision {
        let takeover =
            claim.removal != nil && !choice.policy.takeover
            ? " Or set 'driver.takeover: true' in the configuration: the agent then removes this driver when no "
                + "process uses it." : ""
        let problem = Finding(
            .foreignDriver,
            observed: "\(situation) "
                + (claim.owner == .other
                    ? "The agent does not know its owner." : "Its owner is \(claim.owner.displayName).")
                + " \(claim.statement)",
            expected: "no driver, or a \(choice.requirements)"
                + (offer.wishes.map { " (the configuration asks for \($0))" } ?? ""),
            remedy: "\(remedy ?? "")\(claim.howToHandOver)\(takeover)"
        )
        return Decision(
            action: .blocked,
            owner: claim.owner,
            summary: "the driver on this host does not fit, and it belongs to \(claim.owner.displayName)",
            evidence: [claim.evidence],
            problems: [problem]
        )
    }
}
