import Catalog
import NodeModel

/// The drivers of the catalog that fit a node.
struct CatalogOffer {
    var choice: DriverChoice
    /// The drivers that fit, newest first.
    var fitting: [CatalogDriver]
    /// Whether the node needs a fabric manager of the driver's version.
    var needsFabricManager = false
    /// Why the agent cannot choose a driver even if one fits; nil when it can.
    var obstacle: Finding?
    /// Decides where the driver comes from; nil for NVIDIA's package.
    var source: ModuleSource?
    /// Whether the catalog has GRID drivers with the license of this platform, whether or not they fit.
    var hasPlatformsDriver = false
    /// The lines of the configuration that exclude every driver.
    var limits = ConfigurationLimits()
    /// The lines of the configuration that exclude every driver with a checksum.
    var verifiedLimits = ConfigurationLimits()

    /// Chooses the newest driver that fits, and the kernel module type to build.
    ///
    /// Four kinds of drivers are chosen only when no other driver fits: a driver without a checksum, a driver of a
    /// new-feature branch that the configuration does not ask for, a driver without the license of this platform, and a
    /// driver without a fabric manager of its version on a node that needs one. A driver without a checksum is never
    /// installed; the decision only names it.
    func install(because reason: Evidence) -> Decision {
        if let obstacle {
            return .blocked(
                [obstacle],
                "the agent cannot choose a GRID driver: its license depends on the platform, which is not known"
            )
        }
        switch source?.answer(wanted: preferred, fitting: fitting) {
        case .packages(let driver, let why): return install(driver, [reason] + why)
        case .blocked(let problem, let owner):
            return Decision(
                action: .blocked,
                owner: owner,
                summary: "the driver cannot come from packages of the distribution",
                evidence: [reason],
                problems: [problem]
            )
        case .unread(let problem):
            var decision = Decision(
                action: .install,
                summary: "refresh the index of the package manager, and then choose the driver",
                evidence: [reason, Evidence(.catalog, "packages", problem.observed)]
            )
            decision.unreadIndex = problem
            return decision
        case .runfile(let why):
            var decision = installRunfile(because: reason)
            decision.evidence += why
            return decision
        case nil: return installRunfile(because: reason)
        }
    }

    /// Chooses packages of the distribution.
    private func install(_ driver: PrebuiltDriver, _ evidence: [Evidence]) -> Decision {
        let target = DriverTarget(
            kind: .datacenter,
            version: driver.version,
            kernelModuleType: driver.kernelModuleType,
            packages: driver.packages
        )
        return Decision(
            action: .install,
            driver: target,
            summary: "install the \(target) from packages of the distribution",
            evidence: evidence,
            rejected: fitting.map {
                RejectedDriver(
                    driver: $0.identity,
                    reason: "the driver fits, but packages of the distribution were chosen"
                )
            }
        )
    }

    /// Chooses a driver of the catalog, from NVIDIA's package.
    private func installRunfile(because reason: Evidence) -> Decision {
        guard let driver = preferred, let kernelModuleType = choice.kernelModuleType(among: driver.kernelModuleTypes)
        else { return nothingFits(reason) }
        var target = DriverTarget(kind: driver.kind, version: driver.version, kernelModuleType: kernelModuleType)
        guard driver.artifact.digest != nil else { return unverified(driver, target, reason) }
        target.artifact = driver.artifact
        return Decision(
            action: .install,
            driver: target,
            summary: "install the \(target)",
            evidence: [reason, taken(driver)] + passedOver(for: driver),
            rejected: others(than: driver)
        )
    }

    private func taken(_ driver: CatalogDriver) -> Evidence {
        Evidence(.catalog, "catalog", "\(driver.identity) is the newest driver that fits.")
    }

    /// The other drivers that fit, with the reason why they were not chosen.
    private func others(than driver: CatalogDriver) -> [RejectedDriver] {
        fitting.filter { $0.identity != driver.identity }.map {
            RejectedDriver(
                driver: $0.identity,
                reason: "the driver fits, but \(flaw(of: $0, beside: driver) ?? "a newer one was chosen")"
            )
        }
    }

    /// The disadvantage that a driver has and the chosen driver does not, as a clause; nil when there is none.
    private func flaw(of other: CatalogDriver, beside driver: CatalogDriver) -> String? {
        if other.artifact.digest == nil, driver.artifact.digest != nil {
            return "the catalog has no checksum for the package"
        }
        if isUnasked(other), !isUnasked(driver) { return "the configuration does not ask for a new-feature branch" }
        if other.platform == nil, driver.platform != nil { return "another driver has the license of this platform" }
        if lacksFabricManager(other), !lacksFabricManager(driver) {
            return "no fabric manager of the same version is known"
        }
        return nil
    }

    /// The newest driver that meets the most demands.
    ///
    /// The first demand is the most important one.
    private var preferred: CatalogDriver? {
        let demands: [(CatalogDriver) -> Bool] = [
            { $0.artifact.digest != nil }, { !isUnasked($0) }, { $0.platform != nil }, { !lacksFabricManager($0) },
        ]
        return demands.reduce(fitting) { left, demand in
            let good = left.filter(demand)
            return good.isEmpty ? left : good
        }.first
    }

    private func lacksFabricManager(_ driver: CatalogDriver) -> Bool {
        needsFabricManager && driver.fabricManager != true
    }

    /// Whether a driver is of a new-feature branch and the configuration does not select it.
    private func isUnasked(_ driver: CatalogDriver) -> Bool {
        let policy = choice.policy
        return driver.channel == .newFeature && policy.channel == nil && policy.branch == nil && policy.version == nil
    }

    /// The newer drivers that fit and were not chosen, grouped by the reason.
    private func passedOver(for driver: CatalogDriver) -> [Evidence] {
        var flaws: [(reason: String, drivers: [String])] = []
        for newer in fitting.prefix(while: { $0.identity != driver.identity }) {
            guard let flaw = flaw(of: newer, beside: driver) else { continue }
            if let index = flaws.firstIndex(where: { $0.reason == flaw }) {
                flaws[index].drivers.append(newer.identity)
            } else {
                flaws.append((flaw, [newer.identity]))
            }
        }
        return flaws.map { flaw in
            let verb = flaw.drivers.count == 1 ? "is" : "are"
            let statement = "\(flaw.drivers.joined(separator: ", ")) \(verb) newer, but \(flaw.reason)."
            return Evidence(.catalog, "catalog", statement)
        }
    }

    private func nothingFits(_ reason: Evidence) -> Decision {
        let own =
            choice.requirements.kind == .grid && !hasPlatformsDriver
            ? " Download the GRID package for your own vGPU hosts from NVIDIA's licensing portal." : ""
        let problem = Finding(
            .noDriverFits,
            observed: "The catalog has no \(choice.requirements) for \(choice.architecture.rawValue) on "
                + (choice.platform.map { "platform \($0)." } ?? "an unknown platform.")
                + (wishes.map { " The configuration asks for \($0)." } ?? ""),
            expected: "a driver for this node in the catalog",
            remedy: limits.statement("every driver that supports these GPUs")
                + (limits.excluding.isEmpty
                    ? "Add a driver with --catalog." : "Change the configuration, or add a driver with --catalog.")
                + " 'gpu-agent plan -o yaml' lists under 'rejected' why each driver does not fit.\(own)"
        )
        return Decision(
            action: .blocked,
            summary: "no driver in the catalog fits this node",
            evidence: [reason],
            problems: [problem]
        )
    }

    /// What the configuration asks for, such as `branch 580, channel lts`; nil when it asks for nothing.
    var wishes: String? {
        let policy = choice.policy
        let wishes = [
            policy.version.map { "version \($0)" }, policy.branch.map { "branch \($0)" },
            policy.channel.map { "channel \($0.rawValue)" },
            policy.kernelModuleType.map { "\($0.rawValue) kernel modules" },
        ].compactMap(\.self)
        return wishes.isEmpty ? nil : wishes.joined(separator: ", ")
    }

    private func unverified(_ driver: CatalogDriver, _ target: DriverTarget, _ reason: Evidence) -> Decision {
        let problem = Finding(
            .artifactWithoutHash,
            observed: "The catalog has no checksum for \(driver.artifact.fileName).",
            expected: "a SHA-256 or SHA-512 checksum of the package",
            remedy: verifiedLimits.statement("every driver with a checksum")
                + "Verify \(driver.artifact.urls.first ?? driver.artifact.fileName) yourself, then add its checksum to "
                + "a catalog of your own (--catalog)."
        )
        return Decision(
            action: .blocked,
            driver: target,
            summary: "the agent knows the driver for this node, but the catalog has no checksum for its package",
            evidence: [reason, taken(driver)],
            rejected: others(than: driver),
            problems: [problem]
        )
    }
}
