import NodeModel

/// Weighs the driver that is on the host against the one that the catalog would give.
struct HostChoice {
    var facts: NodeFacts
    var choice: DriverChoice
    var offer: CatalogOffer

    /// Adopts a fit driver, installs where none is or where the agent's own is not fit, and takes nobody else's away
    /// without leave.
    func decide() -> Decision {
        switch facts.driver.installed {
        case .none:
            if let image = facts.bottlerocket {
                return foreign(image, "no NVIDIA driver on this host, and nothing can be installed there")
            }
            if let remains = facts.remains {
                let words = "parts of a driver are there without its module and libraries"
                return choice.policy.takeover ? takeOver(remains, words) : foreign(remains, words)
            }
            return offer.install(because: Evidence(.installed, "host", "no NVIDIA driver on this host"))
        case .unreadable(let why):
            let problem = Finding(
                .driverUnreadable,
                observed: why.joined(separator: "; "),
                expected: "a certain answer whether a driver is installed",
                remedy: "run the agent as root with the host's root directory mounted"
            )
            return .blocked([problem], "cannot tell whether a driver is installed")
        case .split(let sources):
            return decide(split: sources)
        case .single(let driver):
            return decide(single: driver)
        }
    }

    private func decide(split sources: [DriverSource]) -> Decision {
        let list = sources.map(\.description).joined(separator: ", ")
        let record = facts.driver.record.value
        guard record?.state != .changing else { return finish("an unfinished install of ours: \(list)") }
        let versions = Set(sources.map(\.version)).sorted()
        let owners = versions.map { facts.owner(ofVersion: $0) }
        let told = zip(versions, owners).map { "\($0) is of \($1.owner.words)" }.joined(separator: "; ")
        // The one to keep: our own, or else the only one that could do.
        let own = versions.first { record?.owns($0) == true }
        let fitting = versions.filter(mayFit)
        let keep = own ?? (fitting.count == 1 ? fitting.first : nil)
        let problem = Finding(
            .driverVersionSplit,
            observed: "\(list); \(told)\(marker)",
            expected: "one driver version on the host",
            remedy: facts.driver.versionAfterBoot.map {
                "reboot the node: driver \($0) is whole on its disk, and another is still loaded"
            } ?? "remove \(keep.map { "every driver but \($0)" } ?? "all drivers but one that fits") and reboot, "
                + "or replace the node"
        )
        return Decision(
            action: .blocked,
            summary: "two drivers are on this host",
            evidence: owners.map(\.evidence),
            problems: [problem]
        )
    }

    /// Whether nothing speaks against the one of two drivers that has this version.
    private func mayFit(_ version: String) -> Bool {
        if let kind = facts.installedKind(ofVersion: version)?.kind, kind != choice.requirements.kind { return false }
        return DriverVersion(version).map { choice.misfit($0) == nil } ?? false
    }

    /// What the AKS image says it brought: it tells where one of two drivers came from.
    private var marker: String {
        facts.claims.aksMarker.value?.version.map { "; the marker of the AKS image names \($0)" } ?? ""
    }

    private func decide(single driver: SingleDriver) -> Decision {
        let record = facts.driver.record.value
        let claim = facts.owner(ofVersion: driver.version)
        let ours = claim.owner == .gpuAgent
        if record?.state == .changing, ours || record?.takesOver != nil {
            return finish("an install by this agent is not finished")
        }
        guard let misfit = misfit(driver) else {
            guard let version = DriverVersion(driver.version), let kernelModuleType = driver.kernelModuleType else {
                return foreign(claim, "its version or its kernel module type is not known")
            }
            let target = DriverTarget(
                kind: choice.requirements.kind,
                version: version,
                kernelModuleType: kernelModuleType
            )
            // Whose it is, an unreadable record cannot tell.
            let owner = ours || facts.driver.record.whyUnknown == nil ? claim.owner : nil
            let sources = driver.sources.map(\.description).joined(separator: ", ")
            return Decision(
                action: .adopt,
                driver: target,
                owner: owner,
                summary: ours
                    ? "keep the \(target) that this agent installed"
                    : "adopt the \(target) of \(owner?.words ?? "an owner that cannot be told")",
                evidence: [Evidence(.installed, "host", "installed: \(sources)"), claim.evidence]
                    + facts.strays(beside: driver.version)
            )
        }
        guard !ours else {
            return offer.install(because: Evidence(.installed, "host", "the agent's own driver is unfit: \(misfit)"))
        }
        guard choice.policy.takeover else { return foreign(claim, "driver \(driver.version): \(misfit)") }
        return takeOver(claim, "driver \(driver.version): \(misfit)")
    }

    /// Why the installed driver does not do; nil when it does.
    private func misfit(_ driver: SingleDriver) -> String? {
        if facts.driver.nvmlLibrary.isAbsent || facts.driver.cudaLibrary.isAbsent {
            return "it lacks \(facts.driver.nvmlLibrary.isAbsent ? "libnvidia-ml.so.1" : "libcuda.so.1")"
        }
        guard driver.hasModule else {
            return "it has no module for the running kernel \(facts.host.kernelRelease.value ?? "(not readable)"); "
                + "'dkms autoinstall' builds one where the kernel's headers are"
        }
        guard let version = DriverVersion(driver.version) else { return "'\(driver.version)' is no driver version" }
        if let kind = facts.installedKind(ofVersion: driver.version), kind.kind != choice.requirements.kind {
            return "it is a \(kind.kind.rawValue) driver (\(kind.why)), "
                + "the GPUs need \(choice.requirements.kind.rawValue)"
        }
        if let reason = choice.misfit(version) { return reason }
        guard let kernelModuleType = driver.kernelModuleType else { return "its kernel module type is not known" }
        guard choice.kernelModuleType(among: [kernelModuleType]) != nil else {
            let allowed = choice.policy.kernelModuleType.map { [$0] } ?? Array(choice.requirements.kernelModuleTypes)
            return "its modules are \(kernelModuleType.rawValue), wanted are \(listed(allowed))"
        }
        return nil
    }

    /// Goes on with what the agent's own journal says was begun.
    private func finish(_ why: String) -> Decision {
        var decision = offer.install(because: Evidence(.installed, "host", why))
        if decision.action == .install { decision.takesOver = facts.driver.record.value?.takesOver }
        return decision
    }

    private func foreign(_ claim: OwnerClaim, _ misfit: String) -> Decision {
        let leave =
            claim.removal != nil && !choice.policy.takeover
            ? "; or set driver.takeover: true, and the agent removes that driver when nothing uses it" : ""
        let problem = Finding(
            .foreignDriver,
            observed: "\(misfit); it is of \(claim.owner.words) (\(claim.source): \(claim.statement))",
            expected: "no driver, or one that fits: \(choice.requirements.words)\(offer.wishes)",
            remedy: claim.wayOut + leave
        )
        return Decision(
            action: .blocked,
            owner: claim.owner,
            summary: "the driver on this host is not the one for this node, and is of \(claim.owner.words)",
            evidence: [claim.evidence],
            problems: [problem]
        )
    }

    /// Removes another owner's driver, as the configuration allows, where nothing uses it.
    private func takeOver(_ claim: OwnerClaim, _ misfit: String) -> Decision {
        guard claim.removal != nil else { return foreign(claim, misfit) }
        guard let users = facts.claims.deviceUsers.value, users.isEmpty else {
            let observed =
                facts.claims.deviceUsers.value.map { users in
                    "used by " + users.map { "\($0.command) (\($0.pid))" }.joined(separator: ", ")
                } ?? "cannot tell who uses it: \(facts.claims.deviceUsers.whyUnknown ?? "no process could be seen")"
            let problem = Finding(
                .driverInUse,
                observed: "\(misfit); \(observed)",
                expected: "no process that uses a driver which is to be removed",
                remedy: "drain the node and stop these processes (nvidia-persistenced and its kin with systemctl); "
                    + "the agent then removes the driver of \(claim.owner.words)"
            )
            return Decision(
                action: .blocked,
                owner: claim.owner,
                summary: "the driver of \(claim.owner.words) is to be replaced, and is in use",
                evidence: [claim.evidence],
                problems: [problem]
            )
        }
        var decision = offer.install(because: Evidence(.installed, "host", "to be replaced: \(misfit)"))
        decision.evidence.append(claim.evidence)
        decision.evidence.append(
            Evidence(.configuration, "config", "driver.takeover: another owner's unfit driver may be removed")
        )
        if decision.action == .install { decision.takesOver = claim.owner }
        return decision
    }
}
