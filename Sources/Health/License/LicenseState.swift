import NodeModel
import Selection
import Support

/// Why vGPUs of a node have no license, and whether that counts already.
///
/// One cause explains it, so the report has one finding about it.
struct LicenseState {
    enum Cause: Equatable {
        case daemonMissing
        /// The host has the license daemon, and it does not run.
        case daemonNotRunning
        case tokenMissing
        /// The token with this path cannot be used, for this reason.
        case tokenUnreadable(String)
        case tokenExpired(String, Timestamp)
        case serverFailed(String)
        case noneAvailable(String)
        case clockSkew(String)
        /// The license ended, and nothing says why there is no new one.
        case expired(Timestamp)
        /// The agent does not know; the text adds what it knows.
        case other(String)
    }

    let gpus: [GPUFacts]
    let cause: Cause
    /// When the time ends in which a missing license does not count; nil when it counts already.
    let graceEnd: Timestamp?

    /// Nil when every vGPU has a license, and when the operator wants none (`FeatureType=0`).
    init?(_ node: CheckedNode) {
        gpus = node.facts.unlicensedVGPUs
        let licensing = node.facts.licensing.value
        let isUnwanted =
            node.surroundings.license?.feature == .unlicensed || licensing?.configuration.value?.featureType == 0
        guard node.decision.driver?.kind == .grid, !gpus.isEmpty, !isUnwanted else { return nil }
        cause = Self.cause(node, licensing, ended: Self.end(of: gpus, before: licensing?.at))
        graceEnd = Self.graceEnd(node, licensing, gpus)
    }

    private static func cause(_ node: CheckedNode, _ licensing: LicensingFacts?, ended: Timestamp?) -> Cause {
        let surroundings = node.facts.driver.surroundings
        let daemon = surroundings?.program(.licenseDaemon)
        let line = licensing?.log.value
        if let daemon, daemon.path == nil || (daemon.unitFile == nil && surroundings?.hasSystemd == true),
            daemon.isRunning == false
        {
            return .daemonMissing
        }
        // After such a token, the daemon ends, so this is the cause and not the consequence.
        if line?.meaning == .tokenRefused, let line {
            return .tokenUnreadable(licensing?.tokens.value?.first?.path ?? line.text)
        }
        if daemon?.isRunning == false { return .daemonNotRunning }
        switch line?.meaning {
        case .clockSkew: return .clockSkew(line?.text ?? "")
        case .noneAvailable: return .noneAvailable(line?.text ?? "")
        case .serverFailed, .tokenRefused, .licensed, .unlicensed, nil: break
        }
        if let cause = tokenCause(licensing) { return cause }
        if let line, line.meaning == .serverFailed { return .serverFailed(line.text) }
        if lacksToken(node, licensing) { return .tokenMissing }
        if let ended { return .expired(ended) }
        return .other(line?.meaning == .unlicensed ? "nvidia-gridd: \(line?.text ?? "")" : "")
    }

    /// What is wrong with the tokens on the host; nil when one of them can be used.
    private static func tokenCause(_ licensing: LicensingFacts?) -> Cause? {
        guard let licensing else { return nil }
        if let failure = licensing.tokens.failure { return .tokenUnreadable(failure.detail) }
        guard let tokens = licensing.tokens.value, let first = tokens.first else { return nil }
        let isUsable = tokens.contains { token in
            token.fault == nil && token.expires.map { $0.milliseconds > licensing.at.milliseconds } ?? true
        }
        guard !isUsable else { return nil }
        if let expired = tokens.first(where: { $0.fault == nil }), let end = expired.expires {
            return .tokenExpired(expired.path, end)
        }
        return .tokenUnreadable("\(first.path): \(first.fault ?? "")")
    }

    /// Whether the license daemon has neither a token nor a server to ask.
    ///
    /// The driver packages of some clouds have a license of their own and need neither.
    private static func lacksToken(_ node: CheckedNode, _ licensing: LicensingFacts?) -> Bool {
        guard let licensing, licensing.tokens.isAbsent else { return false }
        if licensing.configuration.value?.server != nil || licensing.configuration.failure != nil { return false }
        return !["azure", "aws", "gcp"].contains(node.decision.platform)
    }

    /// When the last license ended, if NVML names a time that is over.
    private static func end(of gpus: [GPUFacts], before now: Timestamp?) -> Timestamp? {
        guard let now else { return nil }
        return gpus.flatMap { $0.license.value?.features ?? [] }.compactMap { $0.expires.flatMap(Timestamp.init) }
            .filter { $0.milliseconds <= now.milliseconds }
            .max { $0.milliseconds < $1.milliseconds }
    }

    private static func graceEnd(
        _ node: CheckedNode,
        _ licensing: LicensingFacts?,
        _ gpus: [GPUFacts]
    ) -> Timestamp? {
        let grace = node.surroundings.licenseGrace
        guard grace > 0, let licensing else { return nil }
        let begin = [licensing.booted, end(of: gpus, before: licensing.at)].compactMap(\.self)
            .max { $0.milliseconds < $1.milliseconds }
        guard let begin else { return nil }
        let end = Timestamp(begin.seconds + Double(grace))
        return end.milliseconds > licensing.at.milliseconds ? end : nil
    }

    /// The outcome of the check for the cause: a failure, and a warning in the time that the operator allows.
    func outcome(_ observed: String, remedy: Remedy) -> Outcome {
        let names = gpus.map { "\($0.index)" }.joined(separator: ", ")
        let text = "These vGPUs have no license: GPU \(names). \(observed)"
        let outcome = graceEnd == nil ? Outcome.failed : Outcome.warning
        return outcome(String(text.trimmingSpace), "licensed", remedy)
    }
}

extension String {
    /// The text without a space at its end.
    fileprivate var trimmingSpace: Substring { hasSuffix(" ") ? dropLast() : self[...] }
}

extension CheckedNode {
    /// Why vGPUs have no license; nil when all have one.
    var licenseState: LicenseState? { LicenseState(self) }
}

extension ReasonCode {
    /// The checks of which one fails while a vGPU has no license.
    static let licenseFailures: Set<ReasonCode> = [
        .licenseDaemonMissing, .licenseDaemonNotRunning, .licenseTokenMissing, .licenseTokenUnreadable,
        .licenseTokenExpired, .licenseServerFailed, .licenseNoneAvailable, .licenseClockSkew, .licenseExpired,
        .licenseMissing,
    ]
}
