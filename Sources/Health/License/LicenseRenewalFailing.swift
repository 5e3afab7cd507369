package import NodeModel
import Selection
import Support

extension ReasonCode {
    package static let licenseRenewalFailing = ReasonCode("license-renewal-failing")
}

extension Check {
    static let licenseRenewalFailing = Check(
        .licenseRenewalFailing,
        title: "the licenses are renewed",
        group: .license,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        // One attempt that fails is followed by another.
        settlesWithin: .seconds(120),
        meaning:
            "A vGPU has a license that ends in less than six hours, and `nvidia-gridd` last said in its log that it got no "
            + "new one. Or the end is over, and NVML still reports the license. The node works, so the finding is a warning. "
            + "When the license is gone, the node is not ready.",
        advice:
            "Do what the finding says, before the license ends. `nvidia-gridd` tries again by itself. Its log is in "
            + "`journalctl -u nvidia-gridd`."
    ) { node in
        let endings = node.endingLicenses
        // A license daemon that does not run has its own finding, and so has a license that is gone.
        guard let observed = endings.observed, let licensing = node.facts.licensing.value, node.licenseState == nil,
            !node.lacksRunningLicenseDaemon
        else { return nil }
        let expected = "a license that nvidia-gridd renews before its end"
        let log = licensing.log.value
        if let log, log.meaning != .licensed {
            return .warning("\(observed) nvidia-gridd: \(log.text)", expected: expected, remedy: remedy(log))
        }
        guard endings.contains(where: { $0.end.milliseconds <= licensing.at.milliseconds }) else {
            return log == nil ? nil : .passed(observed, expected: expected)
        }
        let why = licensing.log.whyUnknown.map { " Its log was not read: \($0)." }
        return .warning(
            "\(observed) nvidia-gridd did not renew it.\(why ?? "")",
            expected: expected,
            remedy: "Check that nvidia-gridd runs and reaches its license server: journalctl -u nvidia-gridd."
        )
    }

    private static func remedy(_ log: LicensingFacts.LogLine) -> Remedy {
        let restart = "systemctl restart nvidia-gridd"
        return switch log.meaning {
        case .tokenRefused: Remedy("Replace the license token, and restart nvidia-gridd.", command: restart)
        case .clockSkew: Remedy("Correct the clock of the node, and restart nvidia-gridd.", command: restart)
        case .noneAvailable: "Add a license for this product to the license server, or return one that is in use."
        case .serverFailed, .unlicensed, .licensed: .reachingLicenseServer(log.text)
        }
    }
}

extension CheckedNode {
    /// The licenses that end soon; empty on a node without a GRID driver.
    var endingLicenses: [EndingLicense] {
        guard decision.driver?.kind == .grid, let licensing = facts.licensing.value else { return [] }
        return facts.endingLicenses(at: licensing.at)
    }

    /// Whether the license daemon has a unit, and does not run.
    fileprivate var lacksRunningLicenseDaemon: Bool {
        let surroundings = facts.driver.surroundings
        guard surroundings?.hasSystemd != false else { return false }
        let daemon = surroundings?.program(.licenseDaemon)
        return daemon?.unitFile != nil && daemon?.isRunning == false
    }
}

extension [EndingLicense] {
    /// When the first license ends, as a sentence; nil when none ends soon.
    var observed: String? {
        guard let end = self.min(by: { $0.end.milliseconds < $1.end.milliseconds })?.end else { return nil }
        return "These vGPUs are licensed until \(end.wholeSeconds): GPU \(map { "\($0.gpu)" }.joined(separator: ", "))."
    }
}
