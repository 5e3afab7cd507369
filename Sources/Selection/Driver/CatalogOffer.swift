import Catalog
import NodeModel

/// What the catalog has for a node: the drivers that fit, newest first.
struct CatalogOffer {
    var choice: DriverChoice
    var fitting: [CatalogDriver]
    /// Whether a fabric manager of the driver's version must run beside it.
    var needsFabricManager = false
    /// Why nothing can be chosen, though something may fit.
    var obstacle: Finding?
    /// Whether the catalog has GRID drivers with this platform's license, fit or not.
    var hasPlatformsDriver = false

    /// The newest driver with a checksum, and the kernel module type to build.
    ///
    /// Passed over are a newer one without a checksum, one of a new-feature branch that nobody asked for, one for any
    /// platform where there is one with this platform's license, and one without a fabric manager of its version where
    /// one is needed. Where no other fits they are taken, or named where nothing may be installed.
    func install(because reason: Evidence) -> Decision {
        if let obstacle { return .blocked([obstacle], "whose license a GRID driver must carry is not known") }
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
        Evidence(.catalog, "catalog", "\(driver.identity) is the newest that fits")
    }

    /// The other drivers that fit, with why they were not taken.
    private func others(than driver: CatalogDriver) -> [RejectedDriver] {
        fitting.filter { $0.identity != driver.identity }.map {
            RejectedDriver(driver: $0.identity, reason: "fits, and \(flaw(of: $0, beside: driver) ?? "is older")")
        }
    }

    /// What speaks against a driver and not against the one that was taken; nil when that is newer, and no more.
    private func flaw(of other: CatalogDriver, beside driver: CatalogDriver) -> String? {
        if other.artifact.digest == nil, driver.artifact.digest != nil { return "has no checksum" }
        if isUnasked(other), !isUnasked(driver) { return "is of a new-feature branch that nobody asked for" }
        if other.platform == nil, driver.platform != nil { return "carries no license of this platform" }
        if lacksFabricManager(other), !lacksFabricManager(driver) { return "no fabric manager of its version is known" }
        return nil
    }

    /// The first in which most of what is preferred holds, the checksum before all else.
    private var preferred: CatalogDriver? {
        let demands: [(CatalogDriver) -> Bool] = [
            { $0.artifact.digest != nil }, { !isUnasked($0) }, { $0.platform != nil }, { !lacksFabricManager($0) },
        ]
        return demands.reduce(fitting) { left, demand in
            let good = left.filter(demand)
            return good.isEmpty ? left : good
        }.first
    }

    private func lacksFabricManager(_ driver: CatalogDriver) -> Bool { needsFabricManager && !driver.fabricManager }

    /// Whether a driver is of a branch that NVIDIA makes to try new features, and the configuration asks for nothing.
    private func isUnasked(_ driver: CatalogDriver) -> Bool {
        let policy = choice.policy
        return driver.channel == .newFeature && policy.channel == nil && policy.branch == nil && policy.version == nil
    }

    /// The newer drivers that fit too, with what speaks against them.
    private func passedOver(for driver: CatalogDriver) -> [Evidence] {
        var flaws: [(words: String, drivers: [String])] = []
        for newer in fitting.prefix(while: { $0.identity != driver.identity }) {
            guard let flaw = flaw(of: newer, beside: driver) else { continue }
            if let index = flaws.firstIndex(where: { $0.words == flaw }) {
                flaws[index].drivers.append(newer.identity)
            } else {
                flaws.append((flaw, [newer.identity]))
            }
        }
        return flaws.map { flaw in
            let words = "\(flaw.drivers.joined(separator: ", ")): newer, and passed over: \(flaw.words)"
            return Evidence(.catalog, "catalog", words)
        }
    }

    private func nothingFits(_ reason: Evidence) -> Decision {
        let own =
            choice.requirements.kind == .grid && !hasPlatformsDriver
            ? "; the GRID package of your own vGPU hosts comes from NVIDIA's licensing portal" : ""
        let problem = Finding(
            .noDriverFits,
            observed: "no driver of the catalog is \(choice.requirements.words) "
                + "for platform \(choice.platform ?? "unknown") and \(choice.architecture.rawValue)"
                + wishes,
            expected: "a driver for this node in the catalog",
            remedy: (wishes.isEmpty ? "" : "loosen the configuration, or ")
                + "see 'rejected' in 'gpu-agent plan -o yaml' for each reason and add a driver with --catalog\(own)"
        )
        return Decision(
            action: .blocked,
            summary: "no driver of the catalog fits",
            evidence: [reason],
            problems: [problem]
        )
    }

    /// What the configuration asks for beyond what the GPUs need.
    var wishes: String {
        let policy = choice.policy
        let wishes = [
            policy.version.map { "version \($0)" }, policy.branch.map { "branch \($0)" },
            policy.channel.map { "channel \($0.rawValue)" }, policy.kernelModuleType.map { "\($0.rawValue) modules" },
        ].compactMap(\.self)
        return wishes.isEmpty ? "" : ", and the configuration asks for \(wishes.joined(separator: ", "))"
    }

    private func unverified(_ driver: CatalogDriver, _ target: DriverTarget, _ reason: Evidence) -> Decision {
        let problem = Finding(
            .artifactWithoutHash,
            observed: "\(driver.artifact.fileName) has no checksum in the catalog",
            expected: "a SHA-256 or SHA-512 of the package",
            remedy: "verify \(driver.artifact.urls.first ?? driver.artifact.fileName) yourself and add its checksum in "
                + "a catalog of your own (--catalog)"
        )
        return Decision(
            action: .blocked,
            driver: target,
            summary: "the driver for this node is known, its package is not verified",
            evidence: [reason, taken(driver)],
            rejected: others(than: driver),
            problems: [problem]
        )
    }
}
