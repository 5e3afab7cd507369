/// Weighs the driver that is on the host against the one that the catalog would give.
struct HostChoice {
    var facts: DriverFacts
    /// The running kernel; nil when it could not be read.
    var kernelRelease: String?

    /// Adopts a fit driver, installs where none is or where the agent's own is not fit, and blocks on everybody else's.
    func decide(_ choice: DriverChoice, fitting: [CatalogDriver]) -> Decision {
        switch facts.installed {
        case .none:
            return install(choice, fitting, because: Evidence("host", "no NVIDIA driver on this host"))
        case .unreadable(let why):
            let problem = Problem(
                .driverUnreadable,
                observed: why.joined(separator: "; "),
                expected: "a certain answer whether a driver is installed",
                remedy: "run the agent as root with the host's root directory mounted"
            )
            return .blocked([problem], "cannot tell whether a driver is installed")
        case .split(let sources):
            return decide(split: sources, choice, fitting)
        case .single(let driver):
            return decide(single: driver, choice, fitting)
        }
    }

    private func decide(split sources: [DriverSource], _ choice: DriverChoice, _ fitting: [CatalogDriver]) -> Decision {
        let list = sources.map(\.description).joined(separator: ", ")
        let record = facts.record.value
        guard record?.state != .changing else {
            return install(choice, fitting, because: Evidence("host", "an unfinished install of ours: \(list)"))
        }
        let problem = Problem(
            .driverVersionSplit,
            observed: list + (record.map { "; the agent installed \($0.version)" } ?? ""),
            expected: "one driver version on the host",
            remedy: "remove \(record.map { "every driver but \($0.version)" } ?? "both drivers") and reboot, "
                + "or replace the node"
        )
        return .blocked([problem], "two drivers are on this host")
    }

    private func decide(single driver: SingleDriver, _ choice: DriverChoice, _ fitting: [CatalogDriver]) -> Decision {
        let record = facts.record.value
        let ours = record?.owns(driver.version) ?? false
        if ours, record?.state == .changing {
            return install(choice, fitting, because: Evidence("host", "an install by this agent is not finished"))
        }
        let misfit = misfit(driver, choice)
        guard let misfit else {
            guard let version = DriverVersion(driver.version), let flavour = driver.flavour else {
                return foreign(driver, "its version or flavour is not known", choice)
            }
            let target = DriverTarget(kind: choice.requirements.kind, version: version, flavour: flavour)
            // Whose it is, an unreadable record cannot tell.
            let owner: DriverOwner? = ours ? .gpuAgent : facts.record.whyUnknown == nil ? .other : nil
            return Decision(
                action: .adopt,
                driver: target,
                owner: owner,
                summary: ours ? "keep the \(target) that this agent installed" : "adopt the \(target) that is there",
                evidence: [Evidence("host", "installed: \(driver.sources.map(\.description).joined(separator: ", "))")]
            )
        }
        guard ours else { return foreign(driver, misfit, choice) }
        return install(choice, fitting, because: Evidence("host", "the agent's own driver is unfit: \(misfit)"))
    }

    /// Why the installed driver does not do; nil when it does.
    private func misfit(_ driver: SingleDriver, _ choice: DriverChoice) -> String? {
        if facts.nvmlLibrary.isAbsent || facts.cudaLibrary.isAbsent {
            return "it lacks \(facts.nvmlLibrary.isAbsent ? "libnvidia-ml.so.1" : "libcuda.so.1")"
        }
        guard driver.hasModule else {
            return "it has no module for the running kernel \(kernelRelease ?? "(not readable)")"
        }
        guard let version = DriverVersion(driver.version) else { return "'\(driver.version)' is no driver version" }
        if let reason = choice.misfit(version) { return reason }
        if let kind = facts.kind(ofVersion: driver.version), kind != choice.requirements.kind {
            return "it is a \(kind.rawValue) driver, the GPUs need \(choice.requirements.kind.rawValue)"
        }
        guard let flavour = driver.flavour else { return "the flavour of its modules is not known" }
        guard choice.flavour(among: [flavour]) != nil else {
            let allowed = choice.policy.flavour.map { [$0] } ?? Array(choice.requirements.flavours)
            return "its modules are \(flavour.rawValue), wanted are \(listed(allowed))"
        }
        return nil
    }

    private func foreign(_ driver: SingleDriver, _ misfit: String, _ choice: DriverChoice) -> Decision {
        let problem = Problem(
            .foreignDriver,
            observed: "driver \(driver.version), of which this agent has no record: \(misfit)",
            expected: "no driver, or a fit \(choice.requirements.kind.rawValue) driver",
            remedy: "the agent replaces no driver it does not own: remove that driver, or use a node image without one"
        )
        return .blocked([problem], "somebody else's driver is on this host and does not fit these GPUs")
    }

    private func install(_ choice: DriverChoice, _ fitting: [CatalogDriver], because reason: Evidence) -> Decision {
        guard let driver = fitting.first, let flavour = choice.flavour(among: driver.flavours) else {
            let problem = Problem(
                .noDriverFits,
                observed: "no \(choice.requirements.kind.rawValue) driver of the catalog fits "
                    + "(platform \(choice.platform ?? "unknown"), \(choice.architecture.rawValue))",
                expected: "a driver for this node in the catalog",
                remedy: "see 'rejected' in 'gpu-agent plan -o yaml' for each reason; add a driver with --catalog"
            )
            return Decision(
                action: .blocked,
                summary: "no driver of the catalog fits",
                evidence: [reason],
                problems: [problem]
            )
        }
        let target = DriverTarget(
            kind: driver.kind,
            version: driver.version,
            flavour: flavour,
            artifact: driver.artifact
        )
        let newest = Evidence("catalog", "\(driver.identity) is the newest that fits")
        guard driver.artifact.digest != nil else {
            let problem = Problem(
                .artifactWithoutHash,
                observed: "\(driver.artifact.fileName) has no checksum in the catalog",
                expected: "a SHA-256 or SHA-512 of the package",
                remedy: "verify the package yourself and add its checksum in a catalog of your own (--catalog)"
            )
            return Decision(
                action: .blocked,
                driver: target,
                summary: "the driver for this node is known, its package is not verified",
                evidence: [reason, newest],
                problems: [problem]
            )
        }
        return Decision(
            action: .install,
            driver: target,
            summary: "install the \(target)",
            evidence: [reason, newest]
        )
    }
}
