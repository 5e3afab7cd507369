/// What the catalog has for a node: the drivers that fit, newest first.
struct CatalogOffer {
    var choice: DriverChoice
    var fitting: [CatalogDriver]

    /// The newest driver with a checksum, and the flavour to build.
    ///
    /// A newer one without a checksum is passed over, and so is one of a new-feature branch that nobody asked for;
    /// where no other fits they are taken, or named where nothing may be installed.
    func install(because reason: Evidence) -> Decision {
        let settled = fitting.filter { $0.artifact.digest != nil && !isUnasked($0) }
        let verified = fitting.filter { $0.artifact.digest != nil }
        guard let driver = (settled + verified + fitting).first, let flavour = choice.flavour(among: driver.flavours)
        else { return nothingFits(reason) }
        var target = DriverTarget(kind: driver.kind, version: driver.version, flavour: flavour)
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
        fitting.filter { $0.identity != driver.identity }.map { other in
            let reason =
                if other.artifact.digest == nil, driver.artifact.digest != nil {
                    "fits, and has no checksum"
                } else if isUnasked(other), !isUnasked(driver) {
                    "fits, and is of a new-feature branch that nobody asked for"
                } else {
                    "fits, and is older"
                }
            return RejectedDriver(driver: other.identity, reason: reason)
        }
    }

    /// Whether a driver is of a branch that NVIDIA makes to try new features, and the configuration asks for nothing.
    private func isUnasked(_ driver: CatalogDriver) -> Bool {
        let policy = choice.policy
        return driver.channel == .newFeature && policy.channel == nil && policy.branch == nil && policy.version == nil
    }

    /// The newer drivers that fit too, with what speaks against them.
    private func passedOver(for driver: CatalogDriver) -> [Evidence] {
        let newer = fitting.prefix { $0.identity != driver.identity }
        let hashless = newer.filter { $0.artifact.digest == nil }
        let unasked = newer.filter { $0.artifact.digest != nil }
        return [
            (hashless, "newer, and passed over without a checksum"),
            (
                unasked,
                "newer, and of a new-feature branch: only taken when driver.channel or driver.branch asks for it"
            ),
        ].filter { !$0.0.isEmpty }.map { drivers, why in
            Evidence(.catalog, "catalog", "\(drivers.map(\.identity).joined(separator: ", ")): \(why)")
        }
    }

    private func nothingFits(_ reason: Evidence) -> Decision {
        let own =
            choice.requirements.kind == .grid
            ? "; the GRID package of your own vGPU hosts comes from NVIDIA's licensing portal" : ""
        let problem = Problem(
            .noDriverFits,
            observed: "no driver of the catalog is \(choice.requirements.words) "
                + "for platform \(choice.platform ?? "unknown") and \(choice.architecture.rawValue)"
                + wishes,
            expected: "a driver for this node in the catalog",
            remedy: "see 'rejected' in 'gpu-agent plan -o yaml' for each reason; add a driver with --catalog\(own)"
        )
        return Decision(
            action: .blocked,
            summary: "no driver of the catalog fits",
            evidence: [reason],
            problems: [problem]
        )
    }

    /// What the configuration asks for beyond what the GPUs need.
    private var wishes: String {
        let policy = choice.policy
        let wishes = [
            policy.version.map { "version \($0)" }, policy.branch.map { "branch \($0)" },
            policy.channel.map { "channel \($0.rawValue)" }, policy.flavour.map { "\($0.rawValue) modules" },
        ].compactMap(\.self)
        return wishes.isEmpty ? "" : ", and the configuration asks for \(wishes.joined(separator: ", "))"
    }

    private func unverified(_ driver: CatalogDriver, _ target: DriverTarget, _ reason: Evidence) -> Decision {
        let problem = Problem(
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
