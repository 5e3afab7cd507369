/// What the catalog has for a node: the drivers that fit, newest first.
struct CatalogOffer {
    var choice: DriverChoice
    var fitting: [CatalogDriver]

    /// The newest driver with a checksum, and the flavour to build.
    ///
    /// A newer one without a checksum is passed over; where no other fits it is named, and nothing is installed.
    func install(because reason: Evidence) -> Decision {
        let verified = fitting.first { $0.artifact.digest != nil }
        guard let driver = verified ?? fitting.first, let flavour = choice.flavour(among: driver.flavours) else {
            return nothingFits(reason)
        }
        var target = DriverTarget(kind: driver.kind, version: driver.version, flavour: flavour)
        guard driver.artifact.digest != nil else { return unverified(driver, target, reason) }
        target.artifact = driver.artifact
        var evidence = [reason, Evidence(.catalog, "catalog", "\(driver.identity) is the newest that fits")]
        let passed = fitting.prefix { $0.artifact.digest == nil }.map(\.identity)
        if !passed.isEmpty {
            let words = "\(passed.joined(separator: ", ")): newer, and passed over without a checksum"
            evidence.append(Evidence(.catalog, "catalog", words))
        }
        return Decision(action: .install, driver: target, summary: "install the \(target)", evidence: evidence)
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
            evidence: [reason, Evidence(.catalog, "catalog", "\(driver.identity) is the newest that fits")],
            problems: [problem]
        )
    }
}
